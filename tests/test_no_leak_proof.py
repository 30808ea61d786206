"""A proof of notice holds what its party may see and nothing else: not of a co-suspect, not a hidden field."""

import html

import pytest

from caseq import proving
from caseq.rules import proof as documents
from tests import matrix
from tests.acts.test_proving import proof, told
from tests.service import CASE, PHONE, Service, case, event, milestone, party
from tests.test_no_leak import Markers, everything, granted


def page_of(service: Service, token: str | None, language: str = "zh") -> str:
    client = service.client
    client.set_cookie("caseq", str(token))
    answer = client.get(f"/case/notices?lang={language}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return html.unescape(answer.get_data(as_text=True))


@pytest.mark.usefixtures("ledger_of_everything")
@pytest.mark.parametrize(("kind", "role"), matrix.ONLINE)
def test_the_proof_of_each_role_holds_what_the_matrix_grants(service: Service, kind: str, role: str) -> None:
    markers = Markers()
    service.push(*everything(markers, kind, role), source=kind)
    with service.runtime.database.autocommit() as connection:
        key = next(iter(connection.exec_driver_sql(f"SELECT key FROM parties WHERE role = '{role}'")))[0]
    expected = {what for what in granted(kind, role) if not what.startswith("unit.")}
    text = documents.canonical(proof(service, key).document).decode()
    assert markers.found(text) == expected
    token = service.log_in()
    found = proving.own(service.runtime, str(token))
    assert found is not None
    own = documents.canonical(found[0].document).decode()
    assert markers.found(own) == expected
    for language in ("zh", "en"):
        seen = markers.found(page_of(service, token, language))
        assert seen == {what for what in expected if what.endswith((".occurred_on", ".document_number"))}


def two_arrests(service: Service) -> None:
    """Two suspects, arrested on one day and told of an hour apart: a victim reads one line."""
    arrest = {"occurred_on": "2026-11-22", "details": {"measure": "arrest"}}
    service.push(event("case", case()), event("party", party()), event("party", party("suspect", phone="19911110002")))
    for n in (1, 2):
        service.clock.advance(hours=1)
        service.push(event("milestone", milestone("compulsory_measure", f"M{n}", subject=f"S{n}", **arrest)))


def test_what_reads_alike_for_two_suspects_is_one_line_whatever_becomes_of_either(service: Service) -> None:
    two_arrests(service)
    before = proof(service).document["lines"]
    assert len(before) == 1
    service.clock.advance(hours=1)
    service.push(event("withdrawal", {"record": "milestone", "key": "M1"}, sequence="2"))
    assert proof(service).document["lines"] == before
    (line,) = before
    assert line["replaces"] is None


def test_a_suspect_has_no_line_of_a_co_suspect(service: Service) -> None:
    two_arrests(service)
    lines = proof(service, "P-suspect").notices
    assert [line.showing.key for line in lines] == ["M1"]


def test_in_a_case_that_is_narrowed_nothing_of_a_suspect_is_told_afterwards(service: Service) -> None:
    two_arrests(service)
    service.push(event("case", case(juvenile=True), sequence="2"))
    assert proof(service).notices == []


def test_a_sources_shadow_covers_the_proof(service: Service) -> None:
    from dataclasses import replace

    two_arrests(service)
    settings = service.runtime.settings
    shadow = replace(settings.policy, shadow=frozenset({"criminal"}))
    service.runtime = replace(service.runtime, settings=replace(settings, policy=shadow))
    assert proof(service).notices == []


def test_the_own_page_shows_nothing_that_was_taken_back_or_hidden_and_no_draft_that_nobody_saw(
    service: Service,
) -> None:
    service.push(event("case", case()), event("party", party()))
    for n, name in enumerate(("case_filed", "case_solved", "transferred_for_prosecution_review")):
        service.push(event("milestone", milestone(name, occurred_on=f"2026-11-0{n + 1}")))
    service.clock.advance(minutes=3)
    service.push(
        event("withdrawal", {"record": "milestone", "key": "M-case_filed"}, sequence="2"),
        event("milestone", milestone("case_solved", hold={"reason": "x"}), sequence="2"),
        event("milestone", milestone("transferred_for_prosecution_review", occurred_on="2026-11-09"), sequence="2"),
    )
    token = service.log_in()
    page = page_of(service, token)
    assert "2026年11月9日" in page
    assert [day for day in ("2026年11月1日", "2026年11月2日", "2026年11月3日") if day in page] == []
    assert len(proof(service).notices) == 4
    service.clock.advance(minutes=3)
    service.view(token)
    service.clock.advance(minutes=3)
    service.push(
        event("milestone", milestone("transferred_for_prosecution_review", occurred_on="2026-11-10"), sequence="3")
    )
    page = page_of(service, token)
    assert "2026年11月9日" in page, "they had seen it"
    assert "代替第 1 条" in page


def test_the_hash_on_the_own_page_is_confirmed_and_in_the_audit_as_the_partys_own(service: Service) -> None:
    two_arrests(service)
    told(service, service.clock.now, key="M1")
    token = service.log_in()
    page = page_of(service, token)
    own = proving.own(service.runtime, str(token))
    assert own
    assert "当面告知" in page
    assert "李警官" not in page + documents.canonical(own[0].document).decode()
    spans = page.split('class="number hash">')[1].split("</p>")[0]
    hash_ = documents.typed_hash(spans.replace("<span>", "").replace("</span>", ""))
    assert hash_
    found = proving.verify(service.runtime, hash_)[0]
    assert (found.case_number, found.party) == (CASE, "P-victim")
    assert (found.facts["by"], found.facts["form"]) == ("party", "page")
    assert PHONE not in page
    assert "不算送达" in page


def test_nobody_sees_the_page_without_a_session_nor_of_a_case_that_went_elsewhere(service: Service) -> None:
    two_arrests(service)
    assert service.client.get("/case/notices").headers["Location"] == "/"
    client = service.client
    client.set_cookie("caseq", "x" * 43)
    assert client.get("/case/notices").headers["Location"] == "/timeout"
    token = service.log_in()
    to = {"name": "示例市公安局", "phone": "0951-8022000", "on": "2026-11-22"}
    service.push(event("case", case(state="transferred", transferred_to=to), sequence="2"))
    client.set_cookie("caseq", str(token))
    assert client.get("/case/notices").headers["Location"] == "/case"
