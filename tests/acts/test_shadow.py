"""A source in shadow: all it pushes is taken in, and nobody sees or is told anything of it."""

import html
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from caseq import viewing
from caseq.intake import reviewing
from caseq.rules.approval import Line, Step
from caseq.rules.duties import StaffRole
from caseq.store.outbox import Lane
from caseq.store.views import CaseQuery
from caseq.texting import sending
from tests.service import CASE, PHONE, ROOT, Clock, Service, case, event, milestone, party
from tests.service import service as build_service
from tests.staff import hired
from tests.test_no_leak import Markers, everything

pytestmark = pytest.mark.usefixtures("ledger_of_everything")

Start = Callable[[bool], Service]


@pytest.fixture
def start(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Start]:
    """Starts the service, with the source `criminal` in shadow or not, always on the same database."""
    shipped = (ROOT / "config" / "sources.toml").read_text(encoding="utf-8")
    assert shipped.count("shadow = false") == 1
    running: list[Service] = []

    def build(in_shadow: bool) -> Service:
        folder = tmp_path / f"config-{len(running)}"
        folder.mkdir()
        for shipped_file in (ROOT / "config").iterdir():
            (folder / shipped_file.name).symlink_to(shipped_file)
        (folder / "sources.toml").unlink()
        text = shipped.replace("shadow = false", "shadow = true") if in_shadow else shipped
        (folder / "sources.toml").write_text(text, encoding="utf-8")
        running.append(build_service(database_url, tmp_path, clock, CASEQ_CONFIG_DIR=str(folder)))
        return running[-1]

    yield build
    for service in running:
        service.runtime.database.close()


def known() -> list[dict[str, object]]:
    return [event("case", case()), event("party", party()), event("milestone", milestone())]


def asked(service: Service, case_number: str) -> tuple[int, set[str]]:
    """What asking for a code answers: status and names of fields."""
    answer = service.client.post("/api/v1/codes", json={"case_number": case_number, "phone": PHONE})
    return answer.status_code, set(answer.get_json())


def test_what_comes_in_shadow_is_taken_in_and_counted_as_always(start: Start) -> None:
    service = start(True)
    assert service.outcomes(*known()) == ["accepted"] * 3
    assert service.outcomes(event("milestone", milestone("verdict"))) == ["refused"]
    assert service.outcomes(event("party", party(key="P9")), event("case", case(), case="A6401215100002026110013")) == [
        "accepted",
        "accepted",
    ]
    text = service.client.get("/metrics").get_data(as_text=True)
    assert 'caseq_source_shadow{source="criminal"} 1.0' in text
    assert 'caseq_source_shadow{source="trade"} 0.0' in text
    assert 'caseq_source_silent_seconds{source="criminal"} 0.0' in text


def test_nobody_gets_a_code_or_comes_in(start: Start) -> None:
    service = start(True)
    service.push(*known())
    assert asked(service, CASE) == asked(service, "A6401215100002026119999")
    assert service.log_in() is None
    assert service.messages() == []


def test_a_code_that_was_sent_before_opens_nothing_in_shadow(start: Start) -> None:
    service = start(False)
    service.push(*known())
    challenge, code = service.code_for()
    assert code != "00000000"
    body = {"challenge": challenge, "code": code}
    refused = start(True).client.post("/api/v1/sessions", json=body)
    wrong = start(True).client.post("/api/v1/sessions", json={**body, "code": "00000001"})
    assert refused.status_code == wrong.status_code == 401
    assert {**refused.get_json(), "tries_left": 0} == {**wrong.get_json(), "tries_left": 0}
    assert start(False).client.post("/api/v1/sessions", json=body).status_code == 201


def test_an_open_session_ends_at_once(start: Start) -> None:
    service = start(False)
    service.push(*known())
    token = service.log_in()
    assert service.view(token) is not None
    in_shadow = start(True)
    answer = in_shadow.client.get("/api/v1/case", headers={"Authorization": f"Bearer {token}"})
    never = in_shadow.client.get("/api/v1/case", headers={"Authorization": "Bearer no-such-token"})
    assert (answer.status_code, answer.get_json()) == (never.status_code, never.get_json()) == (401, never.get_json())


def test_no_sms_waits_for_the_end_of_the_shadow(start: Start) -> None:
    service = start(True)
    service.push(*known())
    service.push(event("milestone", milestone("case_solved")))
    service = start(False)  # no worker looked at the outbox while the source was in shadow
    service.work()
    assert service.messages() == []
    service.push(event("milestone", milestone("case_solved"), sequence="2"))
    service.work()
    assert service.messages() == []


def asking_first(service: Service) -> Service:
    """The same service, in which a reviewer must agree to everything."""
    settings = service.runtime.settings
    approval = replace(settings.approval, lines=(Line(None, None, (Step.FIRST_REVIEW,)),))
    service.runtime = replace(service.runtime, settings=replace(settings, approval=approval))
    return service


def test_what_must_be_agreed_to_waits_in_shadow_too(start: Start) -> None:
    """Or all that came in shadow would be shown, once the source is open, and nobody would have agreed."""
    asking_first(start(True)).push(*known())
    service = asking_first(start(False))
    view = service.seen_by()
    assert view is not None
    assert view["milestones"] == []
    reviewer = hired(service, StaffRole.REVIEWER)
    assert [line.release.key for line in reviewing.queue(service.runtime, reviewer).waiting] == [
        milestone()["milestone"]
    ]


def test_after_the_shadow_everything_is_shown_and_what_changes_then_is_told(start: Start) -> None:
    start(True).push(*known())
    service = start(False)
    view = service.seen_by()
    assert view is not None
    assert [shown["name"] for shown in view["milestones"]] == ["case_filed"]
    before = len(service.messages())
    service.push(event("milestone", milestone("case_solved")))
    service.work()
    assert len(service.messages()) == before + 1


def test_a_first_number_after_the_shadow_is_told_of_what_its_owner_finds(start: Start) -> None:
    start(True).push(event("case", case()), event("party", party(phone="无")), event("milestone", milestone()))
    service = start(False)
    service.push(event("party", party(), sequence="2"), event("party", party(key="P-new", phone="19911110002")))
    service.work()
    assert [len(service.messages(phone)) for phone in (PHONE, "19911110002")] == [1, 1]


def test_news_that_waited_when_the_shadow_began_is_dropped(start: Start) -> None:
    service = start(False)
    service.push(*known())
    service = start(True)
    with capture_logs() as lines:
        service.work()
    assert [line["why"] for line in lines if line["event"] == "message_not_sent"] == ["may not enter"]
    assert service.messages() == []
    start(False).work()
    assert service.messages() == []


def test_other_sources_stay_open(start: Start) -> None:
    service = start(True)
    other = "A6401215100002026110077"
    head = [event("case", case("administrative"), case=other, source="administrative")]
    side = [event("party", party("victim", "P-a"), case=other, source="administrative")]
    service.push(*head, *side, source="administrative")
    service.push(*known())
    assert service.seen_by(case=other) is not None
    assert service.seen_by() is None


def test_an_alias_opens_no_door(start: Start) -> None:
    service = start(True)
    service.push(event("case", case(aliases=["示公立字〔2026〕7号"])), event("party", party()))
    assert service.seen_by(case="示公立字〔2026〕7号") is None
    assert start(False).seen_by(case="示公立字〔2026〕7号") is not None


def test_a_number_that_is_live_in_shadow_is_taken_for_others(start: Start) -> None:
    """Only one source at a time may hold a number; docs/operators.md says what that means for a shadow."""
    service = start(True)
    service.push(event("case", case()))
    again = event("case", case("administrative"), source="administrative")
    assert service.outcomes(again, source="administrative") == ["refused"]


def test_nothing_of_a_source_in_shadow_stands_on_any_channel(start: Start) -> None:
    markers = Markers()
    service = start(True)
    events = everything(markers, "criminal", "victim")
    with capture_logs() as lines:
        results = service.push(*events)
        service.work()
        token = service.log_in()
    assert {result["outcome"] for result in results} == {"accepted"}
    client = service.client
    client.set_cookie("caseq", str(token))
    pages = [f"{path}?lang={language}" for path in ("/", "/case", "/help", "/code") for language in ("zh", "en")]
    answers = [client.get(path) for path in [*pages, "/metrics", "/readyz", "/api/v1/case"]]
    told = [html.unescape(answer.get_data(as_text=True)) for answer in answers]
    found = markers.found("\n".join([*told, *service.messages(), repr(lines), repr(results)]))
    assert found == set()
    assert service.messages() == []


def test_the_projection_guards_the_shadow_once_more(start: Start) -> None:
    """Should a query ever let somebody in, the case still ends before it is shown."""
    open_service = start(False)
    open_service.push(*known())
    token = open_service.log_in()
    settings = open_service.runtime.settings
    silence = {source.name: source.silence for source in settings.sources.values()}
    leaky = CaseQuery(settings.policy, silence)
    shadowed = replace(settings, policy=replace(settings.policy, shadow=frozenset({"criminal"})))
    runtime = replace(open_service.runtime, settings=shadowed, case_query=leaky)
    assert viewing.case_view(open_service.runtime, str(token), "zh") is not None
    assert viewing.case_view(runtime, str(token), "zh") is None


def test_a_message_of_unknown_outcome_is_not_sent_again_in_shadow(start: Start) -> None:
    service = start(False)
    service.push(*known())
    assert sending.claim(service.runtime, service.router, {Lane.NEWS: 5})
    service.clock.advance(minutes=5)
    service = start(True)
    service.work()
    service.clock.advance(minutes=5)
    service.ask()
    service.work()
    assert service.messages() == []


def test_the_name_of_a_source_cannot_break_the_query(start: Start) -> None:
    service = start(False)
    service.push(*known())
    token = service.log_in()
    settings = service.runtime.settings
    odd = replace(settings.policy, shadow=frozenset({"it's", "100%", "a:b"}))
    query = CaseQuery(odd, {})
    service.runtime = replace(service.runtime, case_query=query)
    assert viewing.case_view(service.runtime, str(token), "zh") is not None
