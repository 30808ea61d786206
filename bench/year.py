"""A made-up year of the service, put into the tables in bulk: cases, parties, milestones, changes that wait, logins,
looks, messages, tasks. Its numbers come from a seed, so that the same year can be made again."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert

from caseq.rules.annual import Span
from caseq.store.database import Database
from caseq.store.tables import (
    audit,
    cases,
    complaints,
    decisions,
    milestones,
    outbox,
    parties,
    ratings,
    releases,
    sources,
    staff,
    tasks,
    tellings,
)

SOURCE = "demo-year"
UNITS = (
    ("640121510000", "示例县公安局城关派出所"),
    ("640121520000", "示例县公安局河东派出所"),
    ("640121030000", "示例县公安局刑事侦查大队"),
    (None, "示例县公安局治安管理大队"),
)
#: The kind of a case with the roles of its parties and the milestones it may have.
KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "criminal": (("victim", "suspect"), ("case_filed", "case_solved", "compulsory_measure", "expert_opinion")),
    "administrative": (("victim", "suspect"), ("case_accepted", "hearing", "penalty_decision")),
    "petition": (("petitioner",), ("petition_result",)),
}
_WAYS, _WAY_WEIGHTS = ("sms", "paper", "app"), (80, 15, 5)
_CHANNELS, _CHANNEL_WEIGHTS = ("web", "api", None), (85, 13, 2)
_STATES, _STATE_WEIGHTS = (
    ("delivered", "sent", "failed", "needs_human", "dropped", "merged", "queued", "unknown"),
    (800, 60, 40, 15, 30, 40, 10, 5),
)
_RELEASE_STATES = ("waiting", "returned", "withheld", "released", "superseded")
_GROUNDS = ("secret", "investigation", "nobody knows")
_EDGE = timedelta(days=3)
_BATCH = 20_000


@dataclass
class _Year:
    """The year that is being made: its chance, and the rows that wait to be put into each table."""

    span: Span
    chance: random.Random
    grounds: tuple[str, ...]
    rows: dict[Table, list[dict[str, Any]]]

    def moment(self) -> datetime:
        """Some moment of the year, or of a few days before and after it; sometimes exactly where a month begins."""
        if self.chance.random() < 0.02:
            return self.chance.choice([*self.span.months, self.span.until])
        since = self.span.since - _EDGE
        return since + self.chance.random() * (self.span.until + _EDGE - since)

    def id(self, table: Table) -> int:
        return len(self.rows[table]) + 1

    def add(self, table: Table, **values: Any) -> int:
        self.rows[table].append({"id": self.id(table), **values})
        return len(self.rows[table])


_TABLES = (cases, parties, milestones, releases, decisions, audit, outbox, tasks, tellings, ratings, complaints)


def fill(database: Database, span: Span, size: int, grounds: tuple[str, ...] = _GROUNDS, seed: int = 7) -> None:
    """Put a year with so many cases into an empty database."""
    year = _Year(span, random.Random(seed), grounds, {table: [] for table in _TABLES})
    for _ in range(size):
        _case(year)
    with database.transaction() as connection:
        connection.execute(insert(sources), {"name": SOURCE, "last_push_at": span.until})
        connection.execute(insert(staff), _leader(span.since))
    for table in _TABLES:
        for batch in _batches(year.rows[table]):
            with database.transaction() as connection:
                connection.execute(insert(table), batch)
    with database.transaction() as connection:
        _count_on(connection)


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for begin in range(0, len(rows), _BATCH):
        yield rows[begin : begin + _BATCH]


def _count_on(connection: Connection) -> None:
    """What is added later gets ids after these."""
    if connection.dialect.name == "postgresql":
        for table in (*_TABLES, staff):
            last = f"(SELECT max(id) FROM {table.name})"  # noqa: S608 - our own names
            connection.exec_driver_sql(f"SELECT setval('{table.name}_id_seq', coalesce({last}, 1))")


def _leader(now: datetime) -> dict[str, Any]:
    return {
        "id": 1,
        "badge": "demo-year",
        "name": "测试人",
        "role": "leader",
        "password_hash": "-",
        "must_change": True,
        "totp_last_step": 0,
        "made_at": now,
    }


def _case(year: _Year) -> None:
    chance = year.chance
    kind = chance.choices(tuple(KINDS), (60, 35, 5))[0]
    roles, names = KINDS[kind]
    code, unit = chance.choice(UNITS)
    formed = year.moment()
    number = f"Y{year.span.year}{year.id(cases):08d}"
    case_id = year.add(
        cases,
        source=SOURCE,
        number=number,
        number_key=number,
        kind=kind,
        state="open",
        unit_code=code,
        unit_name=unit,
        juvenile=False,
        narrowed=False,
        sequence="1",
        formed_at=formed,
        changed_at=formed,
        withdrawn=False,
    )
    people = [_party(year, case_id, role, formed) for role in roles]
    for name in names[: chance.randint(1, len(names))]:
        _milestone(year, case_id, name, people)
    for party_id in people:
        for _ in range(chance.choice((0, 0, 1, 2))):
            _session(year, case_id, party_id)
    if chance.random() < 0.2:
        _rating(year, case_id, people[0], code)
    if chance.random() < 0.05:
        _complaint(year, case_id, people[0], code)


def _rating(year: _Year, case_id: int, party_id: int, unit: str) -> None:
    at = year.moment()
    score = year.chance.randint(1, 5)
    month = f"{at:%Y-%m}"
    year.add(ratings, party_id=party_id, case_id=case_id, unit_code=unit, month=month, score=score, at=at)


def _complaint(year: _Year, case_id: int, party_id: int, unit: str) -> None:
    chance, at = year.chance, year.moment()
    due = at + timedelta(days=14)
    answered = chance.choice((None, at + timedelta(days=3), due, due + timedelta(days=2)))
    second = None if answered is None or chance.random() < 0.7 else answered + timedelta(days=1)
    year.add(
        complaints,
        party_id=party_id,
        n=1,
        case_id=case_id,
        unit_code=unit,
        role="victim",
        about=chance.choice(("late", "wrong", "cannot_see", "conduct", "other")),
        state="second" if second else "answered" if answered else "open",
        at=at,
        due_at=due,
        due_provisional=False,
        answered_at=answered,
        second_at=second,
    )


def _party(year: _Year, case_id: int, role: str, formed: datetime) -> int:
    return year.add(
        parties,
        source=SOURCE,
        key=f"{role}-{case_id}",
        case_id=case_id,
        role=role,
        juvenile=False,
        sms=True,
        sequence="1",
        formed_at=formed,
        changed_at=formed,
        withdrawn=False,
    )


def _milestone(year: _Year, case_id: int, name: str, people: list[int]) -> None:
    """A milestone in the ledger or, one in twenty, a change that waits or waited; with what was done about it."""
    chance, formed = year.chance, year.moment()
    due = formed + timedelta(days=chance.choice((3, 7, 9)))
    if chance.random() < 0.05:
        _release(year, case_id, name, formed, due)
        return
    key = f"{name}-{case_id}"
    published = formed + chance.choice((timedelta(hours=2), due - formed, timedelta(days=5), timedelta(days=11)))
    imported = chance.random() < 0.03
    year.add(
        milestones,
        source=SOURCE,
        key=key,
        case_id=case_id,
        name=name,
        details={},
        tell_first=False,
        sequence="1",
        formed_at=formed,
        released_at=published,
        published_at=None if imported else published,
        due_at=None if imported else due,
        due_provisional=None if imported else False,
        withdrawn=chance.random() < 0.02,
    )
    for party_id in people:
        _news(year, party_id, key, name, published)


def _release(year: _Year, case_id: int, name: str, formed: datetime, due: datetime) -> None:
    state = year.chance.choice(_RELEASE_STATES)
    number = year.id(releases)
    release_id = year.add(
        releases,
        source=SOURCE,
        event_id=f"release-{number}",
        case_id=case_id,
        key=f"waiting-{number}",
        name=name,
        sequence="1",
        formed_at=formed,
        received_at=formed,
        due_at=due,
        due_provisional=False,
        state=state,
        chain="unit_leader",
        step=0,
        urgent=False,
        event_sealed="-",
    )
    if state in ("withheld", "superseded"):
        reason = f"{year.chance.choice(year.grounds)}: 测试"
        decision = "withheld" if state == "withheld" else "agreed"
        year.add(
            decisions, release_id=release_id, at=year.moment(), staff_id=1, step=0, decision=decision, reason=reason
        )


def _news(year: _Year, party_id: int, key: str, name: str, at: datetime) -> None:
    chance = year.chance
    if chance.random() < 0.05:
        told = {"channel": chance.choice(("in person", "telephone", "paper")), "told_at": at, "recorded_at": at}
        year.add(tellings, party_id=party_id, key=key, by="测试人", **told)
        return
    state = chance.choices(_STATES, _STATE_WEIGHTS)[0]
    message_id = _message(year, party_id, "news", f"{key}-{party_id}", state, at, milestone=name)
    if state == "needs_human":
        due = chance.choice((None, at + timedelta(days=5)))
        done = chance.choice((None, at + timedelta(days=1), at + timedelta(days=5), at + timedelta(days=9)))
        what = {"kind": chance.choice(("call", "tell", "look")), "cause": f"task-{message_id}", "reason": "-"}
        year.add(tasks, **what, party_id=party_id, message_id=message_id, made_at=at, due_at=due, done_at=done)


def _message(
    year: _Year, party_id: int, purpose: str, cause: str, state: str, at: datetime, milestone: str | None = None
) -> int:
    more = {"lane": 1 if purpose == "news" else 0, "attempts": 1, "asked": 0, "milestone": milestone}
    return year.add(
        outbox, purpose=purpose, cause=f"{purpose}:{cause}", party_id=party_id, state=state, created_at=at, **more
    )


def _session(year: _Year, case_id: int, party_id: int) -> None:
    """A login with its code, and looks afterwards, one in ten of them read out by somebody of the bureau."""
    chance, at = year.chance, year.moment()
    way = chance.choices(_WAYS, _WAY_WEIGHTS)[0]
    channel = chance.choices(_CHANNELS, _CHANNEL_WEIGHTS)[0]
    session_id = year.id(audit)
    who = {"session_id": session_id, "party_id": party_id, "case_id": case_id}
    facts = {"way": way} if channel is None else {"way": way, "channel": channel}
    year.add(audit, act="login", at=at, facts=facts, staff_id=None, **who)
    if way == "sms":
        _message(year, party_id, "resolve", str(session_id), "resolved", at)
        _message(year, party_id, "code", str(session_id), chance.choices(_STATES[:3], _STATE_WEIGHTS[:3])[0], at)
    for _ in range(chance.randint(1, 3)):
        by = 1 if chance.random() < 0.1 else None
        later = at + timedelta(minutes=chance.randint(0, 60))
        act = "phone_view" if by else "view"
        year.add(audit, act=act, at=later, facts=None, staff_id=by, **who)
