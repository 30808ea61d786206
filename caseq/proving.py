"""Proof of notice: what one party could see, by when the law wanted it told, and how and when it learned of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any

from caseq.errors import NotJson
from caseq.rules import notice as notices_
from caseq.rules import proof as documents
from caseq.rules import replay, workdays
from caseq.rules.case import BUREAU_TIME, MilestoneName, RecordType, bureau_date
from caseq.rules.disclosure import CaseView, project
from caseq.rules.notice import ByStaff, Message, Notice, Verdict
from caseq.rules.numbers import lookup_key
from caseq.rules.replay import Showing
from caseq.rules.strictjson import loads
from caseq.rules.timelimits import limit_for
from caseq.runtime import Runtime
from caseq.settings import Settings
from caseq.store import auditing, notices, previews, sessions
from caseq.store.database import Connection
from caseq.store.notices import About, Proven, Whose

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof: its lines as values, the document they make, and the hash by which the audit knows it."""

    party_id: int
    case_id: int
    head: documents.Head
    notices: Sequence[Notice]
    document: Mapping[str, Any]
    hash: str


def proof(runtime: Runtime, case_number: str, party: str, by: str, reason: str) -> Proof | None:
    """How this party was told of everything it may see or could see, noted in the audit with the hash.

    `case_number` may be any number that the case has or had. None if there is no such party, or if two sources have one
    and neither is in the case whose own number was given.
    """
    now = runtime.clock()
    with runtime.database.autocommit() as connection:
        of = _find(runtime, connection, case_number, party, now)
        if of is None:
            return None
        made = _proof(runtime, of, of.party, _notices(runtime, connection, of, now), now)
    _note(runtime, made, now, {"by": by, "reason": reason})
    return made


def note_file(runtime: Runtime, made: Proof, form: str, content: bytes, by: str, reason: str) -> None:
    """Note in the audit that this file was made of a proof, before it is let out: a changed byte is then found."""
    facts = {"by": by, "reason": reason, "form": form, "file": sha256(content).hexdigest()}
    _note(runtime, made, runtime.clock(), facts)


def _note(
    runtime: Runtime, made: Proof, now: datetime, facts: Mapping[str, str], session_id: int | None = None
) -> None:
    facts = {**facts, "hash": made.hash}
    with runtime.database.transaction() as connection:
        auditing.record(
            connection,
            notices.PROOF,
            now,
            session_id=session_id,
            party_id=made.party_id,
            case_id=made.case_id,
            facts=facts,
        )


def _find(runtime: Runtime, connection: Connection, case_number: str, party: str, now: datetime) -> Whose | None:
    key = lookup_key(case_number)
    found = previews.find(connection, runtime.settings.policy, key, party, bureau_date(now))
    if len(found) > 1:
        found = [one for one in found if lookup_key(one.case.number) == key]
    return notices.whose(connection, found[0].party_id) if len(found) == 1 else None


def _proof(runtime: Runtime, of: Whose, party: str | None, lines: Sequence[Notice], now: datetime) -> Proof:
    reader, policy = of.reader, runtime.settings.policy.name
    head = documents.Head(of.case_number, reader.source, reader.kind, reader.role, party, policy, now)
    document = documents.document(head, lines)
    return Proof(of.party_id, of.case_id, head, lines, document, documents.digest(document))


def _notices(runtime: Runtime, connection: Connection, of: Whose, now: datetime) -> list[Notice]:
    """The lines of everything that the party may see or could see."""
    settings = runtime.settings
    looks = notices.looks(connection, of)
    past = notices.pasts(connection, runtime.sealer, of)
    shown = replay.showings(settings.policy, of.reader, past, looks.bars, now)
    messages, told = notices.messages(connection, of.party_id), notices.by_staff(connection, of.party_id)
    lines = []
    for place, showing in enumerate(shown):
        limit, due = _due(settings, of, showing)
        found = _messages_of(showing, messages), _told_of(shown, place, told)
        news_since = showing.since - settings.sending.news_within
        lines.append(notices_.notice(showing, limit, due, *found, looks.views, news_since, now))
    return lines


def _due(settings: Settings, of: Whose, showing: Showing) -> tuple[workdays.Limit, workdays.Due]:
    reader = of.reader
    limit = limit_for(settings.time_limits, reader.kind, MilestoneName(showing.name), reader.role, showing.details)
    return limit, workdays.due(settings.workdays, showing.begins_at, limit)


def _messages_of(showing: Showing, messages: Sequence[About]) -> list[Message]:
    """The messages about this showing: of the change that opened it; else those of the party or the case that told of
    all that stood there then, because whoever has a number only now hears once of all that is still news."""
    own = [
        one.message
        for one in messages
        if (one.record, one.key) == (RecordType.MILESTONE, showing.key) and one.message.made_at == showing.since
    ]
    return own or [one.message for one in messages if _covers(one, showing)]


def _covers(about: About, showing: Showing) -> bool:
    at = about.message.made_at
    if about.record == RecordType.CASE:
        return at == showing.since
    return about.record == RecordType.PARTY and showing.since <= at and (showing.until is None or at < showing.until)


def _told_of(shown: Sequence[Showing], place: int, told: Sequence[tuple[str, ByStaff]]) -> list[ByStaff]:
    """What staff told of this showing: of the one that stood there when they recorded it, else of the first."""
    key = shown[place].key
    places = [other for other, showing in enumerate(shown) if showing.key == key]

    def meant(one: ByStaff) -> int:
        return next((other for other in reversed(places) if shown[other].since <= one.recorded_at), places[0])

    return [one for of, one in told if of == key and meant(one) == place]


def own(runtime: Runtime, token: str) -> tuple[Proof, CaseView] | None:
    """How whoever is signed in was told of what stands on their page, noted in the audit; None if nobody is.

    It holds no more than the page: what stands there now by the query of the page itself, and what such a line said
    before, if they had seen or been told that. What was taken back or is hidden by now is for staff.
    """
    now, settings = runtime.clock(), runtime.settings
    stored = runtime.case_query.load(runtime.database, token, now, settings.login.session_idle)
    if stored is None or stored.source in settings.policy.shadow:
        return None
    view = project(stored, settings.policy, (), bureau_date(now))
    with runtime.database.autocommit() as connection:
        who = sessions.signed_in(connection, settings.policy, token, now, settings.login.session_idle)
        if who is None:
            return None
        of = notices.whose(connection, who.party_id)
        made = _proof(runtime, of, None, _only_of(view, _notices(runtime, connection, of, now)), now)
    _note(runtime, made, now, {"by": "party", "form": "page"}, who.session_id)
    return made, view


def _only_of(view: CaseView, lines: Sequence[Notice]) -> list[Notice]:
    """The lines that this page shows, each with what it corrected."""
    on_page = {replay.words_of(one.name, one.fields) for one in view.milestones}
    kept = {n for n, one in enumerate(lines) if one.showing.until is None and one.showing.words in on_page}
    for n in sorted(kept):
        before = lines[n].showing.replaces
        while before is not None:
            if lines[before].seen_at is not None or lines[before].by_staff:
                kept.add(before)
            before = lines[before].showing.replaces
    places = {n: place for place, n in enumerate(sorted(kept))}
    return [_placed(lines[n], places) for n in places]


def _placed(line: Notice, places: Mapping[int, int]) -> Notice:
    before = line.showing.replaces
    return replace(line, showing=replace(line.showing, replaces=places.get(before) if before is not None else None))


def verify(runtime: Runtime, hash_: str) -> Sequence[Proven]:
    """What the audit has of this hash, oldest first; empty if nothing."""
    with runtime.database.autocommit() as connection:
        return notices.proven(connection, hash_)


def hashes_of(content: bytes) -> Sequence[str]:
    """The hashes by which the audit may know this file: that of its bytes, and that of the document in it."""
    of_bytes = sha256(content).hexdigest()
    try:
        return [of_bytes, documents.digest(loads(content))]
    except NotJson:
        return [of_bytes]


@dataclass(frozen=True, slots=True)
class Overdue:
    """A line that nobody has told in time, or has to be told now."""

    of: Whose
    notice: Notice


def overdue(runtime: Runtime, unit: str | None) -> Iterator[Overdue]:
    """What parties see today and were neither told nor saw, where the limit is over or ends with the next working day;
    `unit`: only of cases that the unit of this code handles."""
    now = runtime.clock()
    horizon = _end_of_next_workday(runtime.settings.workdays.is_workday, now)
    since = now - runtime.settings.sending.news_within
    window = notices.Window(unit, horizon, since, bureau_date(now))
    with runtime.database.autocommit() as connection:
        for ids in notices.untold(connection, window):
            for party_id in ids:
                of = notices.whose(connection, party_id)
                for line in _notices(runtime, connection, of, now):
                    if _is_urgent(line, horizon, since):
                        yield Overdue(of, line)


def _is_urgent(line: Notice, horizon: datetime, since: datetime) -> bool:
    """What was old when it came is no news: it was told elsewhere."""
    is_untold = line.verdict in (Verdict.OPEN, Verdict.OVERDUE) and line.showing.until is None
    was_news = line.showing.begins_at >= since or any(one.end_then for one in line.messages)
    return is_untold and was_news and line.due.at <= horizon


def _end_of_next_workday(is_workday: Callable[[Any], bool], now: datetime) -> datetime:
    day = bureau_date(now) + _ONE_DAY
    while not is_workday(day):
        day += _ONE_DAY
    return datetime.combine(day + _ONE_DAY, time(), BUREAU_TIME)
