"""Query numbers are made once for a case, at random, and noted in the audit without the number."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from caseq import granting, numbering, previewing
from caseq.cli import main
from caseq.rules.querynumbers import POSSIBLE, is_right, nth, printed
from caseq.store.tables import audit, query_numbers
from tests.service import CASE, Service, case, environment, event, party
from tests.walks.test_moved_cases import withdrawal

WHO = {"by": "窗口民警", "reason": "打印告知书"}
DOCUMENT = "示公（刑）立字〔2026〕7号"


def asked_for(service: Service, case_number: str = CASE) -> str | None:
    return numbering.query_number(service.runtime, case_number, **WHO)


def number_of(service: Service, case_number: str = CASE) -> str:
    number = asked_for(service, case_number)
    assert number is not None
    return number


def stored(service: Service) -> int:
    with service.runtime.database.autocommit() as connection:
        return int(connection.execute(select(func.count()).select_from(query_numbers)).scalar_one())


def test_a_case_gets_one_number_and_keeps_it_by_whatever_number_it_is_asked_for(service: Service) -> None:
    service.push(event("case", case(aliases=[DOCUMENT])))
    number = number_of(service)
    assert is_right(number)
    assert {number_of(service, asked) for asked in (CASE, DOCUMENT, number, printed(number))} == {number}
    service.push(event("case", case(trade="x"), sequence="2"))
    assert number_of(service) == number
    assert stored(service) == 1


def test_a_push_makes_no_number(service: Service) -> None:
    service.push(event("case", case()), event("party", party()))
    assert stored(service) == 0


def test_no_number_is_made_for_a_case_that_is_not_there(service: Service) -> None:
    assert asked_for(service) is None
    service.push(event("case", case()))
    service.push(withdrawal("case", CASE))
    assert asked_for(service) is None
    assert stored(service) == 0


def test_a_number_that_several_cases_are_also_called_by_gets_none(service: Service) -> None:
    for number in (CASE, CASE[:-1] + "3"):
        service.push(event("case", case(aliases=[DOCUMENT]), case=number))
    assert asked_for(service, DOCUMENT) is None
    assert number_of(service) != number_of(service, CASE[:-1] + "3")


def test_the_case_that_is_called_so_itself_comes_before_those_also_called_so(service: Service) -> None:
    service.push(event("case", case()), event("case", case(aliases=[CASE]), case=CASE[:-1] + "3"))
    assert number_of(service) != number_of(service, CASE[:-1] + "3")


def test_parallel_prints_of_one_case_give_one_number(service: Service) -> None:
    service.push(event("case", case()))
    with ThreadPoolExecutor(30) as pool:
        numbers = list(pool.map(lambda _: number_of(service), range(60)))
    assert len(set(numbers)) == 1
    assert stored(service) == 1


def test_parallel_prints_of_many_cases_give_each_its_own_even_if_the_draws_collide(
    service: Service, monkeypatch
) -> None:
    cases = [f"{CASE[:-2]}{n:02d}" for n in range(20)]
    service.push(*(event("case", case(), case=number) for number in cases))
    draws = iter([nth(n // 4) for n in range(1000)])
    monkeypatch.setattr(numbering, "drawn", lambda: next(draws))
    with ThreadPoolExecutor(10) as pool:
        numbers = list(pool.map(lambda asked: number_of(service, asked), cases))
    assert len(set(numbers)) == 20
    assert stored(service) == 20


def test_a_number_that_a_case_or_a_document_has_already_is_drawn_again(service: Service, monkeypatch) -> None:
    of_case, of_document = nth(1), nth(2)
    service.push(event("case", case(aliases=[of_document])), event("case", case(), case=of_case))
    draws = iter([of_case, of_document, nth(3)])
    monkeypatch.setattr(numbering, "drawn", lambda: next(draws))
    assert number_of(service) == nth(3)


def test_numbers_are_drawn_by_the_system_s_own_chance_from_all_there_are(monkeypatch) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda limit: limit - 1)
    assert numbering.drawn() == nth(POSSIBLE - 1)
    monkeypatch.undo()
    drawn = [numbering.drawn() for _ in range(2000)]
    assert len(set(drawn)) == 2000
    assert all(any(number[place] == digit for number in drawn) for place in range(1, 12) for digit in "0123456789")


def test_the_audit_says_who_had_a_number_printed_and_why_but_not_the_number(service: Service) -> None:
    service.push(event("case", case()))
    number = number_of(service)
    number_of(service)
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit).where(audit.c.act == "query_number").order_by(audit.c.id)).all()
    assert [row.facts for row in rows] == [{**WHO, "made": True}, {**WHO, "made": False}]
    assert all(row.case_id for row in rows)
    assert number not in str(rows)


def test_staff_find_grants_and_reasons_by_the_query_number_too(service: Service) -> None:
    service.push(event("case", case()), event("party", party()))
    number = number_of(service)
    assert granting.of_case(service.runtime, number) == granting.of_case(service.runtime, CASE) != []
    explained = [previewing.explain(service.runtime, asked, "P-victim", "x", "y") for asked in (number, CASE)]
    assert explained[0] == explained[1] != []


def test_the_command_prints_the_number_as_it_stands_on_paper(service, database_url, tmp_path) -> None:
    service.push(event("case", case()))
    environ = environment(database_url, tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main, ["codes", "number", *arguments], env=environ)

    done = run(CASE, "--by", "窗口", "--reason", "打印")
    assert (done.exit_code, done.output) == (0, f"{printed(number_of(service))}\n")
    assert run(CASE[:-1] + "9", "--by", "窗口", "--reason", "打印").exit_code == 1
    assert run(CASE, "--by", " ", "--reason", "打印").exit_code == 2
    assert run(CASE, "--by", "窗口").exit_code == 2


@pytest.mark.parametrize("asked", ["", "x", "2603 1200 4766", "2603 1200 4769"])
def test_nothing_is_made_for_a_number_that_nobody_has(service: Service, asked: str) -> None:
    service.push(event("case", case()))
    assert asked_for(service, asked) is None
