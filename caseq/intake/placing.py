"""Placing one waiting change in the ledger, taking it out again, and showing what that would do to every reader."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from caseq.intake.batch import Batch, batch_of
from caseq.intake.storing import store
from caseq.rules import events
from caseq.rules.book import Change
from caseq.rules.case import ROLES_IN, SUSPECT_SIDE, Event, Kind, Milestone, Role, bureau_date
from caseq.rules.covering import taken_back
from caseq.rules.disclosure import CaseView, StoredCase, project
from caseq.runtime import Runtime
from caseq.settings import Source
from caseq.store import previews, pushes, releases, tasks
from caseq.store.database import Connection
from caseq.store.releases import Release

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reader:
    """What those see who read alike: before the change and after it; None: they may not enter, or see nothing.

    `people` of the case read so; where there are none it is what such a reader would see.
    """

    role: Role
    people: int
    before: CaseView | None
    after: CaseView | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a release would show to whom; `mark` is the same as long as it would show the same to the same readers."""

    readers: Sequence[Reader]
    mark: str


def place(runtime: Runtime, connection: Connection, source: Source, event: Event, now: datetime) -> bool:
    """Put the change into the ledger and queue what people hear of it; False if its time is over: its case is gone, or
    something newer stands there."""
    batch = _batch(runtime, connection, source, event, now)
    placed = batch.book.consider(event)
    if not isinstance(placed, Change):
        return False
    batch.enter(placed)
    store(runtime, source, connection, batch, now, runtime.settings.approval.undo)
    return True


def undo_placing(runtime: Runtime, connection: Connection, source: Source, release: Release, now: datetime) -> bool:
    """Make the ledger hold what it held before this release; False if something newer stands there."""
    event = event_of(runtime, connection, release)
    batch = _batch(runtime, connection, source, event, now)
    shown = batch.book.milestones.get(release.key)
    before = releases.before(connection, runtime.sealer, release, event)
    if shown is None or shown.withdrawn or shown.sequence != release.sequence or before is None:
        return False
    case_key = event.case_key
    batch.enter_unheard(taken_back(event, case_key, shown, before.event, release.id))
    store(runtime, source, connection, batch, now)
    tasks.drop_tellings(connection, release.case_id, release.key, now)
    return True


def event_of(runtime: Runtime, connection: Connection, release: Release) -> Event:
    """The event that waits, as it was pushed."""
    return events.event(releases.raw_event(connection, runtime.sealer, release.id))


def preview(runtime: Runtime, release: Release, source: Source, now: datetime) -> Preview | None:
    """What every reader sees without the change and with it: it is placed, looked at and not kept.

    None if it cannot be placed.
    """
    with runtime.database.rehearsal() as connection:
        pushes.hold_back(connection, source.name)
        return preview_within(runtime, connection, release, source, now)


def preview_within(
    runtime: Runtime, connection: Connection, release: Release, source: Source, now: datetime
) -> Preview | None:
    """The preview; in this transaction the change is placed afterwards."""
    event = event_of(runtime, connection, release)
    before = _views(runtime, connection, release, event, now)
    if not place(runtime, connection, source, event, now):
        return None
    after = _views(runtime, connection, release, event, now)
    alike: dict[str, Reader] = {}
    for key, (role, is_person, view) in after.items():
        reader = Reader(role, 0, before[key][2] if key in before else None, view)
        known = alike.setdefault(repr(reader), reader)
        alike[repr(reader)] = replace(known, people=known.people + is_person)
    readers = list(alike.values())
    readers.sort(key=lambda reader: (list(Role).index(reader.role), repr(reader.after)))
    return Preview(readers, _mark(runtime, readers))


_View = tuple[Role, bool, CaseView | None]


def _views(runtime: Runtime, connection: Connection, release: Release, event: Event, now: datetime) -> dict[str, _View]:
    """By party key, or by role where nobody has it, what is seen of the case now."""
    policy, today = runtime.settings.policy, bureau_date(now)
    people, alone = previews.readers_of(connection, policy, release.case_id, today)
    views: dict[str, _View] = {}
    for one in people:
        view = _view(runtime, one.stored, now) if one.may_enter else None
        views[one.party.key] = (one.party.role, True, view)
    assert isinstance(event.record, Milestone)
    missing = ROLES_IN[Kind(release.kind)] - {one.party.role for one in people}
    for role in missing:
        if policy.is_online(release.kind, role):
            subject = event.record.subject if role in SUSPECT_SIDE else None
            stored = replace(alone, role=role, subject=subject)
            views[f"\0{role}"] = (role, False, _view(runtime, stored, now))
    return views


def _view(runtime: Runtime, stored: StoredCase, now: datetime) -> CaseView:
    """The view, but for when the source last spoke and since when a line is shown: both are as of the release."""
    view = project(stored, runtime.settings.policy, (), bureau_date(now))
    return replace(view, milestones=tuple(replace(one, released_at=now) for one in view.milestones))


def _mark(runtime: Runtime, readers: Sequence[Reader]) -> str:
    shown = repr([(reader.role, reader.people > 0, _words(reader.before), _words(reader.after)) for reader in readers])
    return runtime.sealer.fingerprint("release.preview", sha256(shown.encode()).hexdigest())


def _words(view: CaseView | None) -> object:
    if view is None:
        return None
    unit = sorted(view.unit.fields.items()) if view.unit else None
    return unit, [(one.name, sorted(one.fields.items(), key=repr), one.clause) for one in view.milestones]


def _batch(runtime: Runtime, connection: Connection, source: Source, event: Event, now: datetime) -> Batch:
    """A batch for a change that waited: for those who hear of it, it is news however long that took."""
    batch = batch_of(runtime, source, connection, [event], [], now)
    within = max(batch.editor.within, now - event.time + _HOUR)
    batch.editor = replace(batch.editor, within=within)
    batch.unreleased.clear()
    return batch
