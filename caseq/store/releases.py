"""Changes that wait for release: what waits, whose turn it is, and who decided what."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, case, func, insert, or_, select, update

from caseq.rules.approval import Chain, Decision, State, Step
from caseq.rules.case import Event, RecordType
from caseq.rules.events import BUILDERS
from caseq.store import bulk
from caseq.store.database import in_byte_order
from caseq.store.ledger import Held
from caseq.store.release_tables import EVENT
from caseq.store.sealing import Sealer
from caseq.store.tables import cases, decisions, history, milestones, releases, staff
from caseq.store.writing import STATE

#: States in which somebody still has to do something, now or later.
OPEN = (State.WAITING, State.RETURNED, State.WITHHELD)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that came and waits, as intake found it; `raw` is the event as it was pushed."""

    raw: Mapping[str, Any] = field(repr=False)
    case_id: int
    key: str
    name: str
    sequence: str
    formed_at: datetime
    due_at: datetime
    due_provisional: bool
    chain: Chain
    urgent: bool


@dataclass(frozen=True, slots=True)
class Release:
    """One change that waits or waited, with its case; no personal data. `step` counts the signatures it has."""

    id: int
    source: str
    case_id: int
    case_number: str
    kind: str
    unit_code: str | None
    unit_name: str
    key: str
    name: str
    sequence: str
    formed_at: datetime
    received_at: datetime
    due_at: datetime | None
    due_provisional: bool
    state: State
    chain: Chain
    step: int
    urgent: bool
    released_at: datetime | None
    ground: str | None
    withheld_until: date | None

    @property
    def turn(self) -> Step | None:
        """Whose signature is next, None after the last one."""
        return self.chain[self.step] if self.step < len(self.chain) else None


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, with who made it; `for_badge` is whose step it was, where it was somebody else's."""

    at: datetime
    staff_id: int
    badge: str
    name: str
    for_name: str | None
    step: int
    decision: Decision
    reason: str | None


def newest_waiting(connection: Connection, source: str, keys: Collection[str]) -> dict[str, str]:
    """The newest sequence that waits, for those of these milestones of which anything does."""
    if not keys:
        return {}
    asked = {"source": source, "keys": bulk.given(keys)}
    return {row.key: row.newest for row in connection.execute(_newest_waiting(connection.dialect.name), asked)}


@cache
def _newest_waiting(dialect: str) -> Select[Any]:
    open_ = select(releases.c.key, func.max(releases.c.sequence).label("newest"))
    open_ = open_.where(releases.c.source == bindparam("source"), _is_open())
    return bulk.each(dialect, open_.group_by(releases.c.key), releases.c.key, "keys")


def wait(
    connection: Connection,
    sealer: Sealer,
    source: str,
    waiting: Sequence[Waiting],
    ended: Mapping[str, State],
    now: datetime,
) -> None:
    """Keep these changes for whoever has to agree, in place of older ones of the same milestones.

    `ended` are those milestones of which something newer was placed since, or that were withdrawn.
    """
    newest = {one.key: one for one in waiting}
    end(connection, source, newest, State.SUPERSEDED)
    rows = [
        {
            "source": source,
            "event_id": one.raw["id"],
            "case_id": one.case_id,
            "key": one.key,
            "name": one.name,
            "sequence": one.sequence,
            "formed_at": one.formed_at,
            "received_at": now,
            "due_at": one.due_at,
            "due_provisional": one.due_provisional,
            "state": ended.get(one.key, State.WAITING if newest[one.key] is one else State.SUPERSEDED).value,
            "chain": ",".join(one.chain),
            "step": 0,
            "urgent": one.urgent,
            "event_sealed": sealer.seal(EVENT, json.dumps(one.raw).encode()),
        }
        for one in waiting
    ]
    bulk.put(connection, releases, rows)


def end(connection: Connection, source: str, keys: Iterable[str], state: State) -> None:
    """Whatever of these milestones waits has no decision to wait for any more."""
    if keys := list(keys):
        mine = update(releases).where(releases.c.source == source, _is_open())
        connection.execute(mine.where(bulk.among(connection, releases.c.key, keys)).values(state=state.value))


def end_of_cases(connection: Connection, case_ids: Iterable[int]) -> None:
    """Whatever of these cases waits was withdrawn with its case."""
    if ids := list(case_ids):
        mine = update(releases).where(_is_open(), bulk.among(connection, releases.c.case_id, ids))
        connection.execute(mine.values(state=State.WITHDRAWN.value))


def one(connection: Connection, release_id: int) -> Release | None:
    """The release with this number."""
    row = connection.execute(_with_case().where(releases.c.id == release_id)).one_or_none()
    return _release(row) if row else None


def raw_event(connection: Connection, sealer: Sealer, release_id: int) -> Mapping[str, Any]:
    """The event as it was pushed."""
    sealed = connection.execute(select(releases.c.event_sealed).where(releases.c.id == release_id)).scalar_one()
    found: Mapping[str, Any] = json.loads(sealer.unseal(EVENT, sealed))
    return found


@dataclass(frozen=True, slots=True)
class Before:
    """What the ledger held of a milestone before a release; `event` is None if there was nothing to be seen."""

    event: Event | None


def before(connection: Connection, sealer: Sealer, release: Release, released: Event) -> Before | None:
    """What stood there before this release; None if it is not what was placed last."""
    wanted = select(history).where(
        history.c.case_id == release.case_id,
        history.c.source == release.source,
        history.c.record == RecordType.MILESTONE.value,
        history.c.key == release.key,
    )
    rows = connection.execute(wanted.order_by(history.c.id.desc()).limit(2)).all()
    if not rows or rows[0].event_id != released.id:
        return None
    if len(rows) < 2 or rows[1].withdrawal:
        return Before(None)
    data = json.loads(sealer.unseal(STATE, rows[1].state_sealed))
    record = BUILDERS["caseq.milestone.v1"](released.case_number, data)
    row = rows[1]
    said = {"data": data}
    event = replace(released, id=row.event_id, sequence=row.sequence, time=row.formed_at, record=record, raw=said)
    return Before(event)


def undecided(connection: Connection, today: date, unit: str | None = None) -> Sequence[Release]:
    """What somebody has to decide about, of all units or of this one: urgent ones first, then by due date.

    What was withheld until a day before today is to be decided again.
    """
    is_over = and_(releases.c.state == State.WITHHELD.value, releases.c.withheld_until < today)
    wanted = _with_case().where(or_(releases.c.state.in_([State.WAITING.value, State.RETURNED.value]), is_over))
    if unit is not None:
        wanted = wanted.where(cases.c.unit_code == unit)
    ordered = wanted.order_by(releases.c.urgent.desc(), releases.c.due_at, releases.c.id)
    return [_release(row) for row in connection.execute(ordered)]


def withheld(connection: Connection, today: date, unit: str | None = None) -> Sequence[Release]:
    """What is withheld on this day, what ends first in front."""
    wanted = _with_case().where(releases.c.state == State.WITHHELD.value, releases.c.withheld_until >= today)
    if unit is not None:
        wanted = wanted.where(cases.c.unit_code == unit)
    return [_release(row) for row in connection.execute(wanted.order_by(releases.c.withheld_until, releases.c.id))]


def released_since(connection: Connection, since: datetime, unit: str | None = None) -> Sequence[Release]:
    """What was released by a last signature since then, the newest first."""
    wanted = _with_case().where(releases.c.state == State.RELEASED.value, releases.c.released_at > since)
    if unit is not None:
        wanted = wanted.where(cases.c.unit_code == unit)
    return [_release(row) for row in connection.execute(wanted.order_by(releases.c.released_at.desc()))]


def move(connection: Connection, release_id: int, was: ColumnElement[bool], **values: object) -> Row[Any] | None:
    """Change this release if it still is as `was` says; its id, None if somebody was quicker."""
    mine = update(releases).where(releases.c.id == release_id, was).values(**values)
    return connection.execute(mine.returning(releases.c.id)).one_or_none()


def at_step(step: int, *states: State) -> ColumnElement[bool]:
    """Whether a release has this many signatures and is in one of these states."""
    return and_(releases.c.step == step, releases.c.state.in_([state.value for state in states]))


def released_after(moment: datetime) -> ColumnElement[bool]:
    """Whether a release had its last signature after this moment."""
    return and_(releases.c.state == State.RELEASED.value, releases.c.released_at > moment)


def decide(
    connection: Connection,
    release_id: int,
    now: datetime,
    staff_id: int,
    for_id: int | None,
    step: int,
    decision: Decision,
    reason: str | None = None,
    preview_hash: str | None = None,
) -> None:
    """Keep who decided what."""
    row = {"release_id": release_id, "at": now, "staff_id": staff_id, "for_id": for_id, "step": step}
    more = {"decision": decision.value, "reason": reason, "preview_hash": preview_hash}
    connection.execute(insert(decisions), {**row, **more})


def decided(connection: Connection, release_id: int) -> Sequence[Decided]:
    """All decisions about this release, oldest first."""
    other = staff.alias("other")
    wanted = (
        select(decisions, staff.c.badge, staff.c.name, other.c.name.label("for_name"))
        .join(staff, staff.c.id == decisions.c.staff_id)
        .outerjoin(other, other.c.id == decisions.c.for_id)
        .where(decisions.c.release_id == release_id)
    )
    return [
        Decided(row.at, row.staff_id, row.badge, row.name, row.for_name, row.step, Decision(row.decision), row.reason)
        for row in connection.execute(wanted.order_by(decisions.c.id))
    ]


def counts(connection: Connection, now: datetime) -> tuple[int, int]:
    """How many changes somebody has to decide about, and how many of these are past their due date."""
    late = func.coalesce(func.sum(case((releases.c.due_at <= now, 1), else_=0)), 0)
    undecided_ = releases.c.state.in_([State.WAITING.value, State.RETURNED.value])
    row = connection.execute(select(func.count(), late).select_from(releases).where(undecided_)).one()
    return int(row[0]), int(row[1])


def waiting_counts(connection: Connection, source: str) -> int:
    """How many milestones of a source wait of which the ledger has nothing yet."""
    known = select(milestones.c.id).where(
        milestones.c.source == releases.c.source, milestones.c.key == releases.c.key, milestones.c.withdrawn.is_(False)
    )
    new = select(func.count(func.distinct(releases.c.key))).where(releases.c.source == source, _is_open())
    return int(connection.execute(new.where(~known.exists())).scalar_one())


def held(connection: Connection, source: str, after: str, most: int) -> list[Held]:
    """The milestones of one source that wait for release and whose keys follow `after`, in the order of the keys'
    bytes, each with the newest sequence that waits."""
    key = in_byte_order(connection, releases.c.key)
    wanted = select(releases.c.key, cases.c.number, func.max(releases.c.sequence).label("sequence"))
    wanted = wanted.join(cases, cases.c.id == releases.c.case_id).where(releases.c.source == source, _is_open())
    wanted = wanted.where(key > after).group_by(releases.c.key, cases.c.number).order_by(key).limit(most)
    return [Held(row.key, row.number, row.sequence) for row in connection.execute(wanted)]


def _is_open() -> ColumnElement[bool]:
    return releases.c.state.in_([state.value for state in OPEN])


def _with_case() -> Select[Any]:
    shown = [column for column in releases.c if column.name not in ("event_sealed", "event_id")]
    of_case = (cases.c.number.label("case_number"), cases.c.kind, cases.c.unit_code, cases.c.unit_name)
    return select(*shown, *of_case).join(cases, cases.c.id == releases.c.case_id)


def _release(row: Row[Any]) -> Release:
    values = {name: getattr(row, name) for name in Release.__dataclass_fields__}
    chain = tuple(Step(step) for step in row.chain.split(",") if step)
    return Release(
        **{**values, "state": State(row.state), "chain": chain, "due_provisional": bool(row.due_provisional)}
    )
