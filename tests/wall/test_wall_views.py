"""Behind the wall a reader sees the same as without it, and the role has read no more than that reader may see."""

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from caseq.rules.case import BUREAU_TIME, bureau_date
from tests import matrix
from tests.conftest import kept_no_more
from tests.service import CASE, Service, case, event, milestone, party
from tests.test_no_leak import Markers, granted
from tests.wall.walling import Walled, apply, marked

pytestmark = pytest.mark.usefixtures("ledger_of_everything")

FAR = (date.today() + timedelta(days=30)).isoformat()
GONE = (date.today() - timedelta(days=400)).isoformat()


@pytest.mark.parametrize(("kind", "role"), matrix.ONLINE)
def test_each_role_sees_the_same_behind_the_wall_and_the_query_reads_no_more(
    walled: Walled, kind: str, role: str
) -> None:
    markers = Markers()
    service = walled.service
    assert set(service.outcomes(*marked(markers, kind, role, CASE), source=kind)) == {"accepted"}
    token = service.log_in()
    view = walled.both(token)
    assert view is not None
    assert (view.kind, view.role) == (kind, role)
    stored = walled.stored(token)
    assert stored is not None
    assert markers.found(json.dumps(asdict(stored), default=str, ensure_ascii=False)) == granted(kind, role)
    for seen in stored.milestones:
        cell = matrix.CELLS[kind, role, seen.name]
        assert set(seen.details) <= set(cell.fields)
        assert seen.subject in (None, "S1")


def of_victim(service: Service, **more: Any) -> str | None:
    """The token of the victim of a case with a milestone of the whole case and one of each of two suspects."""
    measures = [
        milestone("compulsory_measure", f"M-{who}", subject=who, details={"measure": "arrest"}) for who in ("S1", "S2")
    ]
    data = [("case", case(**more)), ("milestone", milestone()), *(("milestone", one) for one in measures)]
    service.push(*(event(type_, one) for type_, one in data), event("party", party()))
    return service.log_in()


def of_suspect(service: Service) -> str | None:
    """The token of suspect S1 in a case with a second one."""
    measures = [
        milestone("compulsory_measure", f"M-{who}", subject=who, details={"measure": "arrest"})
        for who in ("S1", "S2", None)
    ]
    service.push(
        event("case", case()),
        *(event("milestone", one) for one in measures),
        event("party", party("suspect", appeared_on="2020-01-01")),
    )
    return service.log_in()


def test_the_role_cannot_count_the_suspects(walled: Walled) -> None:
    stored = walled.stored(of_victim(walled.service))
    assert stored is not None
    assert [(seen.name, seen.subject) for seen in stored.milestones] == [
        ("case_filed", None),
        ("compulsory_measure", None),
    ]


#: What happens to the case or the party of an open session: (what, as SQL, whether the reader still sees the case).
_IDLE_FOR_16_MINUTES = "UPDATE audit SET at = at - interval '16 minutes'"
EVENTS: dict[str, tuple[str, bool]] = {
    "nothing": ("SELECT 1", True),
    "the case is withheld": ("UPDATE cases SET state = 'withheld'", False),
    "the case is withdrawn": ("UPDATE cases SET withdrawn = true", False),
    "the case ended lately": ("UPDATE cases SET state = 'concluded', ended_on = current_date - 3", True),
    "the case ended long ago": (f"UPDATE cases SET state = 'concluded', ended_on = '{GONE}'", False),
    "the case went elsewhere": (
        """UPDATE cases SET state = 'transferred', ended_on = current_date - 3,
           transferred_to = '{"name": "X", "phone": "1", "on": "2026-01-01", "code": "9"}'""",
        True,
    ),
    "a suspect is a minor": ("UPDATE cases SET narrowed = true", True),
    "the party is withdrawn": ("UPDATE parties SET withdrawn = true", False),
    "the party is a minor": ("UPDATE parties SET juvenile = true", False),
    "the party is barred": ("UPDATE parties SET barred = 'revoked'", False),
    "the party has another role": ("UPDATE parties SET role = 'agent'", False),
    "the party stands by another": ("UPDATE parties SET subject = 'S2'", False),
    "the party appeared later": ("UPDATE parties SET appeared_on = current_date + 5", False),
    "the authority begins later": ("UPDATE parties SET valid_from = current_date + 5", False),
    "the authority ran out": ("UPDATE parties SET valid_until = current_date - 5", False),
    "the authority runs": ("UPDATE parties SET valid_from = '2020-01-01', valid_until = current_date + 5", True),
    "the session is of another case": (
        """WITH other AS (INSERT INTO cases (source, number, number_key, kind, state, unit_name, juvenile, sequence,
           formed_at, changed_at, withdrawn) SELECT source, 'B', 'B', kind, state, unit_name, juvenile, sequence,
           formed_at, changed_at, withdrawn FROM cases RETURNING id)
           UPDATE sessions SET case_id = (SELECT id FROM other)""",
        False,
    ),
    "the session is over": ("UPDATE sessions SET ends_at = now() - interval '1 minute'", False),
    "the session is idle": (
        "; ".join([*kept_no_more("DISABLE"), _IDLE_FOR_16_MINUTES, *kept_no_more("ENABLE")]),
        False,
    ),
    "milestones are withdrawn": ("UPDATE milestones SET withdrawn = true", True),
    "milestones are held": (f"UPDATE milestones SET hidden_until = '{FAR}'", True),
    "a hold was over": ("UPDATE milestones SET hidden_until = '2020-01-01'", True),
    "a hold was over yesterday": ("UPDATE milestones SET hidden_until = current_date - 2", True),
}


@pytest.mark.parametrize("is_suspect", [False, True], ids=["victim", "suspect"])
@pytest.mark.parametrize("what", EVENTS)
def test_what_happens_to_an_open_session_happens_behind_the_wall_too(
    walled: Walled, what: str, is_suspect: bool
) -> None:
    statement, is_seen = EVENTS[what]
    token = of_suspect(walled.service) if is_suspect else of_victim(walled.service)
    assert walled.both(token) is not None
    walled.do(statement)
    seen = walled.both(token)
    if what != "the party appeared later" or is_suspect:
        assert (seen is not None) is is_seen


#: Days at the bureau, counted from today, and whether the suspect still reads the case, and its milestones.
EDGES = {
    "appears today": ("UPDATE parties SET appeared_on = %s", 0, True, True),
    "appears tomorrow": ("UPDATE parties SET appeared_on = %s", 1, False, False),
    "authority from today": ("UPDATE parties SET valid_from = %s", 0, True, True),
    "authority from tomorrow": ("UPDATE parties SET valid_from = %s", 1, False, False),
    "authority until today": ("UPDATE parties SET valid_until = %s", 0, True, True),
    "authority until yesterday": ("UPDATE parties SET valid_until = %s", -1, False, False),
    "held until today": ("UPDATE milestones SET hidden_until = %s", 0, True, False),
    "held until yesterday": ("UPDATE milestones SET hidden_until = %s", -1, True, True),
    "last day of an ended case": ("UPDATE cases SET ended_on = %s", -180, True, True),
    "day after the last": ("UPDATE cases SET ended_on = %s", -181, False, False),
}


@pytest.mark.parametrize("edge", EDGES)
def test_days_begin_and_end_at_the_bureau_on_both_sides(walled: Walled, edge: str) -> None:
    statement, days, enters, reads = EDGES[edge]
    token = of_suspect(walled.service)
    walled.do(statement, bureau_date(walled.service.clock()) + timedelta(days=days))
    seen = walled.both(token)
    assert (seen is not None) is enters
    assert bool(seen and seen.milestones) is reads


def test_a_source_in_shadow_stays_behind_the_wall(walled: Walled) -> None:
    token = of_victim(walled.service)
    runtime = walled.service.runtime
    shadowed = with_policy(walled.service, shadow=frozenset({"criminal"}))
    apply(shadowed.runtime)
    assert walled.stored(token) is None
    apply(runtime)
    assert walled.stored(token) is not None


def test_that_a_suspect_is_a_minor_is_not_told(walled: Walled) -> None:
    token = of_victim(walled.service)
    walled.do("UPDATE cases SET narrowed = true")
    stored = walled.stored(token)
    assert stored is not None
    assert stored.narrowed is False
    assert [seen.name for seen in stored.milestones] == ["case_filed"]


def test_a_case_elsewhere_gives_only_whom_to_call(walled: Walled) -> None:
    token = of_victim(walled.service)
    walled.do(EVENTS["the case went elsewhere"][0])
    stored = walled.stored(token)
    assert stored is not None
    assert (stored.unit.name, stored.unit.phone, stored.milestones) == ("", None, [])
    assert stored.transferred_to == {"name": "X", "phone": "1", "on": "2026-01-01"}


def test_a_hold_that_is_over_shows_only_in_the_day_of_publishing(walled: Walled) -> None:
    token = of_victim(walled.service)
    yesterday = (walled.service.clock().astimezone(BUREAU_TIME) - timedelta(days=1)).date()
    walled.do("UPDATE milestones SET released_at = '2020-01-01', hidden_until = %s", yesterday)
    stored = walled.stored(token)
    assert stored is not None
    assert {seen.hidden_until for seen in stored.milestones} == {None}
    assert {seen.released_at.astimezone(BUREAU_TIME).date() for seen in stored.milestones} == {
        yesterday + timedelta(days=1)
    }


def test_every_look_is_in_the_audit_with_the_clock_of_the_database(walled: Walled) -> None:
    token = of_victim(walled.service)
    walled.service.clock.advance(days=1)
    for _ in range(3):
        assert walled.stored(token) is not None
    walled.stored("no such token")
    (row,) = walled.do(
        """SELECT count(*), count(DISTINCT (session_id, party_id, case_id)), max(abs(extract(epoch FROM now() - at)))
           FROM audit WHERE act = 'view' AND session_id = (SELECT max(id) FROM sessions)"""
    )
    assert row[:2] == (3, 1)
    assert row[2] < 60


def with_policy(service: Service, **changes: Any) -> Service:
    """The service with another policy."""
    settings = service.runtime.settings
    changed = replace(settings, policy=replace(settings.policy, **changes))
    return Service(replace(service.runtime, settings=changed), service.clock, service.gateway)


def test_the_whole_service_serves_from_behind_the_wall(walled: Walled) -> None:
    token = of_victim(walled.service)
    seen = walled.service.view(token)
    assert seen is not None
    assert seen["case_number"] == CASE
    walled.do("DROP SCHEMA caseq_wall CASCADE")
    answer = walled.service.client.get("/api/v1/case", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 503
    apply(walled.service.runtime)
    assert walled.service.view(token) is not None


@pytest.mark.parametrize("token", ["", "x", "丁", "\x00", "a'b\"c\\", "x" * 10_000])
def test_what_is_no_token_opens_nothing(walled: Walled, token: str) -> None:
    of_victim(walled.service)
    assert walled.stored(token) is None


def test_no_token_is_left_over_for_the_next_reader(walled: Walled) -> None:
    """One reader's look leaves nothing on the pooled connection, and what somebody left there counts for nothing."""
    first = of_victim(walled.service)
    walled.service.clock.advance(minutes=2)
    second = walled.service.log_in()
    assert walled.stored(second) is not None
    behind = walled.service.runtime.behind_wall
    assert behind is not None
    assert walled.stored(first) is not None
    pooled = behind.engine.raw_connection()
    driver: Any = pooled.driver_connection
    assert driver.execute("SELECT current_setting('caseq.token', true)").fetchone() == (None,)
    driver.execute("SELECT set_config('caseq.token', %s, false)", [second])
    driver.commit()
    pooled.close()
    assert behind.engine.pool.checkedin() == 1
    assert walled.stored("nobody") is None
    assert walled.stored("") is None
    assert walled.stored(first) is not None


def test_one_look_is_one_statement_without_a_transaction(walled: Walled, monkeypatch: pytest.MonkeyPatch) -> None:
    token = of_victim(walled.service)
    walled.stored(token)
    said: list[tuple[str, bool]] = []
    plainly = psycopg.Cursor.execute

    def execute(self: psycopg.Cursor, query: Any, *rest: Any, **more: Any) -> Any:
        said.append((str(query), self.connection.autocommit))
        return plainly(self, query, *rest, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    assert walled.stored(token) is not None
    assert len(said) == 1
    assert said[0][1] is True
