"""Who attacks one person's record gets nowhere, and does not keep that person out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from caseq import login, paper
from caseq.login import Opened, Visitor
from caseq.store.tables import codes, guesses
from tests.service import CASE, PHONE, case, event, milestone, party


@pytest.fixture
def service(service):
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    service.work()
    return service


def ask(service, visitor):
    asked = login.ask_code(service.runtime, CASE, PHONE, "zh", visitor)
    before = len(service.messages(PHONE))
    service.work()
    sent = service.messages(PHONE)[before:]
    return asked.handle, "".join(c for c in sent[-1].split("，")[0] if c.isdigit()) if sent else None


def enter(service, handle, code, visitor):
    return login.enter_code(service.runtime, [handle], code, visitor)


def known_browser(service):
    """The visitor that a browser is after its owner logged in."""
    handle, code = ask(service, Visitor("home"))
    opened = enter(service, handle, code, Visitor("home"))
    assert isinstance(opened, Opened)
    service.clock.advance(minutes=6)
    return Visitor("home", frozenset([opened.party_id]))


def sheet(service):
    issued = paper.print_sheet(service.runtime, CASE, "P-victim", "甲", "没有手机")
    assert isinstance(issued, paper.Issued)
    return issued.lines


def strangers(service, guesses=1000):
    """Whoever knows the case number and the telephone asks and guesses from that many addresses; how many SMS came."""
    before = len(service.messages(PHONE))
    for n in range(guesses):
        visitor = Visitor(f"198.51.{n // 250}.{n % 250}")
        handle, code = ask(service, visitor)
        for _ in range(5 if code else 1):
            assert not isinstance(enter(service, handle, "00000000", visitor), Opened)
        service.clock.advance(minutes=2)
    return len(service.messages(PHONE)) - before


def test_under_attack_from_1000_addresses_a_known_browser_and_paper_still_get_in(service):
    me = known_browser(service)
    lines = sheet(service)
    sms = strangers(service, 1000)
    assert sms <= 6 * (1000 * 2 / 60 / 24 + 2), "six a day, whoever asks"
    handle, code = ask(service, me)
    assert code is not None
    assert isinstance(enter(service, handle, code, me), Opened)
    stranger = Visitor("203.0.113.1")
    assert isinstance(login.enter_own_code(service.runtime, CASE, lines[0].typed, stranger), Opened)


def test_strangers_who_used_up_their_share_do_not_get_in_even_with_the_right_code(service):
    visitors = [Visitor(f"198.51.100.{n}") for n in range(6)]
    asked = []
    for visitor in visitors:
        asked.append(ask(service, visitor))
        service.clock.advance(minutes=1)
    budget = replace(service.runtime.settings.guesses, strangers=100_000)
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, guesses=budget))
    last_handle, last_code = ask(service, visitors[0])
    live = [(handle, code) for handle, code in asked if code] + [(last_handle, last_code)]
    right = next(code for _, code in reversed(live) if code)
    handle = next(handle for handle, code in reversed(live) if code == right)
    for other, visitor in zip([h for h, c in live if c and c != right], visitors, strict=False):
        for _ in range(5):
            enter(service, other, "00000000", visitor)
    refused = enter(service, handle, right, visitors[5])
    assert not isinstance(refused, Opened)
    assert refused.reason is login.Reason.WRONG, "the same words as for a wrong code"


def test_one_network_does_not_use_up_the_share_of_all_strangers(service):
    budget = replace(service.runtime.settings.guesses, network=30_000)
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, guesses=budget))
    handle, code = ask(service, Visitor("a"))
    for _ in range(3):
        enter(service, handle, "00000000", Visitor("a"))
    assert not isinstance(enter(service, handle, code, Visitor("a")), Opened)
    assert isinstance(enter(service, handle, code, Visitor("b")), Opened)


def test_the_breaker_of_the_site_stops_codes_from_sms_for_strangers_and_nobody_else(service):
    me = known_browser(service)
    lines = sheet(service)
    budget = replace(service.runtime.settings.guesses, site=1)
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, guesses=budget))
    handle, code = ask(service, Visitor("b"))
    assert not isinstance(enter(service, handle, code, Visitor("b")), Opened)
    service.clock.advance(minutes=6)
    handle, code = ask(service, me)
    assert isinstance(enter(service, handle, code, me), Opened)
    assert isinstance(login.enter_own_code(service.runtime, CASE, lines[0].keypad, Visitor("c")), Opened)


def test_strangers_make_the_owner_of_a_known_browser_wait_for_no_code(service):
    me = known_browser(service)
    assert ask(service, Visitor("x"))[1] is not None
    assert ask(service, me)[1] is not None, "no pause after what a stranger asked for"


def test_a_stranger_s_request_ends_no_code_of_the_owner(service):
    mine, code = ask(service, Visitor("home"))
    service.clock.advance(minutes=2)
    ask(service, Visitor("x"))
    assert isinstance(enter(service, mine, code, Visitor("home")), Opened)


def test_of_60_guesses_at_once_five_are_compared(service, monkeypatch):
    handle, _ = ask(service, Visitor("x"))
    compared = []
    monkeypatch.setattr("caseq.login.codes.which", lambda secret, typed: compared.append(typed))
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda n: enter(service, handle, f"{n:08}", Visitor(f"10.0.0.{n}")), range(60)))
    assert len(compared) == 5


def test_of_60_redemptions_at_once_one_opens_a_session(service):
    handle, code = ask(service, Visitor("x"))
    settings = service.runtime.settings
    service.runtime = replace(service.runtime, settings=replace(settings, login=replace(settings.login, tries=60)))
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: enter(service, handle, code, Visitor(f"10.0.0.{n}")), range(60)))
    assert sum(isinstance(answer, Opened) for answer in answers) == 1


def test_of_100_requests_at_once_one_makes_a_code(service):
    with ThreadPoolExecutor(12) as pool:
        visitors = [Visitor(f"10.0.0.{n}") for n in range(100)]
        list(pool.map(lambda one: login.ask_code(service.runtime, CASE, PHONE, "zh", one), visitors))
    service.work()
    with service.runtime.database.autocommit() as connection:
        assert connection.execute(select(func.count()).select_from(codes)).scalar_one() == 1


def test_a_guess_at_nothing_is_counted_like_one_at_somebody(service):
    """A decoy writes as many rows as a challenge with a code; they are nobody's."""
    asked = login.ask_code(service.runtime, "A6401215100002026119999", PHONE, "zh", Visitor("x"))
    service.work()
    enter(service, asked.handle, "00000000", Visitor("x"))
    login.enter_own_code(service.runtime, "A6401215100002026119999", "12345678", Visitor("x"))
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(guesses.c.party_id, guesses.c.share)).all()
    assert all(row.party_id <= 0 for row in rows)
    assert sorted(row.share.split()[0] for row in rows) == ["known", "known"] + ["network"] * 2 + ["site"] + (
        ["strangers"] * 2
    )


def test_pauses_become_longer(service):
    pauses: list[float] = []
    for _ in range(4):
        asked = login.ask_code(service.runtime, CASE, PHONE, "zh", Visitor("x"), len(pauses))
        pauses.append((asked.resend_at - service.clock.now).total_seconds())
    assert pauses == [60, 120, 300, 300]
