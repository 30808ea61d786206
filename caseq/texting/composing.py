"""What a claimed message says, and whether it still should: decided at the moment it is sent, from the ledger as it is
then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from caseq.rules import codes, telling
from caseq.rules.book import Book
from caseq.rules.case import MilestoneName, Party, RecordType
from caseq.rules.messages import Written
from caseq.rules.news import Editor
from caseq.rules.telling import Wait
from caseq.runtime import Runtime
from caseq.store import deadnumbers, ledger, logins, outbox, recipients, tellings
from caseq.store.database import Connection
from caseq.store.outbox import NIGHT, TOLD_IN_PERSON, Job, Purpose, State, Waiting
from caseq.store.recipients import Recipient
from caseq.store.shown import Shown, is_other

#: The number that a notice was for is erased at its first end.
NO_ADDRESS = "its number is forgotten"
NOTHING_NEW, DEAD_NUMBER, TOO_LATE = "nothing new to see", "number takes no messages", "too late"
#: A notice that an unknown device has just come in is not news a day later.
DEVICE_NOTICE_LASTS = timedelta(hours=24)
#: A message whose key is missing looks for it again so much later.
KEY_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Say:
    """Send this to this number; the rows `merged` are told with it, and of `unchanged` there is nothing to tell."""

    to: str = field(repr=False)
    written: Written
    valid_seconds: int
    merged: Sequence[int] = ()
    unchanged: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """The message must not or need not go out any more, nor those of `unchanged`."""

    reason: str
    unchanged: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """The message has to wait."""

    until: datetime
    reason: str
    state: State = State.HELD


@dataclass(frozen=True, slots=True)
class Redirect:
    """The party has another number than when the message was queued."""

    phone_hash: str


Decision = Say | Drop | Later | Redirect


class Composer:
    """Decides about the messages that one transaction claimed; what they need is read for all of them at once."""

    def __init__(self, runtime: Runtime, connection: Connection, jobs: Sequence[Job], now: datetime) -> None:
        self._runtime, self._connection, self._now = runtime, connection, now
        self._settings = runtime.settings
        self._editor = Editor(self._settings.policy, now, self._settings.sending.news_within, in_shadow=False)
        ids = [job.party_id for job in jobs if job.party_id is not None]
        self._people = recipients.recipients(connection, runtime.sealer, self._settings.policy, ids, now)
        hashes = {hash_ for person in self._people.values() for hash_ in person.phone_hashes}
        self._dead = deadnumbers.among(connection, hashes) if hashes else set()
        news = [job for job in jobs if job.purpose is Purpose.NEWS]
        self._others = outbox.with_news_of(connection, news) if news else {}
        case_ids = {person.case_id for job in news if (person := self._people.get(job.party_id or 0))}
        self._books = ledger.books_of(connection, self._settings.policy, case_ids) if case_ids else {}
        self._told = tellings.hashes(connection, {job.party_id for job in news if job.party_id}) if news else {}

    def decide(self, job: Job) -> Decision:
        """What becomes of this message now."""
        assert job.party_id is not None
        to = self._people[job.party_id]
        if job.to_sealed is not None:
            former = self._runtime.sealer.unseal(recipients.FORMER, job.to_sealed).decode()
            return self._notice(job, former, to)
        if job.purpose is Purpose.NUMBER:
            return Drop(NO_ADDRESS)
        if to.is_sealed_away:
            return Later(self._now + KEY_PAUSE, "its key is not in CASEQ_SECRET_KEY", State.QUEUED)
        if (reason := self._unreachable(job, to)) is not None:
            return Drop(reason)
        assert to.phone is not None
        if job.purpose is Purpose.CODE:
            return self._code(job, to)
        return self._notice(job, to.phone, to) if job.purpose is Purpose.DEVICE else self._news(job, to)

    def _unreachable(self, job: Job, to: Recipient) -> str | None:
        """Why nothing of this kind may go to this person, None if it may."""
        if to.is_broken:
            return "contact broken"
        if not to.may_enter:
            return "may not enter"
        if to.phone is None or not to.phone.startswith(self._settings.sending.prefixes):
            return "no number that may be sent to"
        if not self._dead.isdisjoint(to.phone_hashes):
            return DEAD_NUMBER
        if job.purpose in (Purpose.CODE, Purpose.DEVICE) and job.phone_hash not in to.phone_hashes:
            return "number changed"
        if job.purpose is not Purpose.CODE and not to.wants_sms:
            return "not wanted"
        return "not wanted" if job.purpose is Purpose.DEVICE and to.is_shared else None

    def _code(self, job: Job, to: Recipient) -> Decision:
        assert job.challenge_id is not None
        assert job.n is not None
        assert to.phone is not None
        asked = logins.challenge(self._connection, self._runtime.sealer, job.challenge_id)
        if asked is None or not codes.is_in_time(asked.asked_at, asked.expires_at, self._now):
            return Drop("expired")
        code = codes.code(codes.secret(self._runtime.sealer.derived(asked.key_id, codes.PURPOSE), asked.id), job.n)
        minutes = self._settings.login.code_minutes
        written = self._settings.wording.code(code, minutes, asked.language, to.phrase)
        return Say(to.phone, written, self._settings.sending.code_valid_seconds)

    def _notice(self, job: Job, phone: str, to: Recipient) -> Decision:
        if job.purpose is Purpose.DEVICE and self._now - job.created_at > DEVICE_NOTICE_LASTS:
            return Drop(TOO_LATE)
        values = {"help_phone": self._settings.bureau.help_phone}
        language, phrase = (to.language, to.phrase) if job.purpose is Purpose.DEVICE else ("zh", "")
        written = self._settings.wording.written(job.purpose.value, language, values, phrase)
        return Say(phone, written, self._settings.sending.news_valid_seconds)

    def _news(self, job: Job, to: Recipient) -> Decision:
        assert to.phone is not None
        assert to.phone_hash is not None
        if job.phone_hash not in to.phone_hashes:
            return Redirect(to.phone_hash)
        rest = self._others.get(job.party_id or 0, ())
        if (wait := self._wait(job, to, rest)) is not None:
            return wait
        together: list[Job | Waiting] = [job, *(row for row in rest if self._goes_along(job, row))]
        unchanged = self._unchanged(together, to)
        if job.id in unchanged:
            return Drop(unchanged.pop(job.id), unchanged)
        merged = [row.id for row in together if row.id != job.id and row.id not in unchanged]
        written = self._settings.wording.written("news", to.language, {}, to.phrase)
        return Say(to.phone, written, self._settings.sending.news_valid_seconds, merged, unchanged)

    def _wait(self, job: Job, to: Recipient, rest: Sequence[Waiting]) -> Later | None:
        """Until when this news waits: for other changes that came after it, or for the end of the night."""
        sending = self._settings.sending
        coming = max((row.due_at for row in rest if row.reason == Wait.CORRECTION), default=self._now)
        until = min(coming, job.created_at + sending.longest_delay)
        if until > self._now:
            return Later(until, Wait.CORRECTION)
        name = MilestoneName(job.milestone) if job.milestone else None
        quiet = telling.manner(self._settings.telling, name, to.role).quiet
        if quiet is None or not to.is_quiet or (ends := quiet.until(self._now)) is None:
            return None
        morning = telling.spread(ends, sending.spread, job.id)
        # Rather by night than after the day by which the law wants the person to know; after that it can wait.
        is_last_night = job.legal_end_at is not None and self._now < job.legal_end_at <= morning
        return None if is_last_night else Later(morning, NIGHT)

    def _goes_along(self, job: Job, row: Waiting) -> bool:
        """Whether this row is told in the same SMS: what staff are to tell first, and what can still be undone, only if
        it is of the same record."""
        same = (row.record, row.key) == (job.record, job.key)
        return same or (row.reason not in (Wait.IN_PERSON, Wait.UNDO) or row.due_at <= self._now)

    def _unchanged(self, rows: Iterable[Job | Waiting], to: Recipient) -> dict[int, str]:
        """The rows of which there is nothing to tell, and why: what the person sees is as it was, or staff told it."""
        first: dict[tuple[str | None, str | None], Job | Waiting] = {}
        for row in sorted(rows, key=lambda row: row.id):
            first.setdefault((row.record, row.key), row)
        reasons = {of: self._why_unchanged(row, to) for of, row in first.items()}
        return {row.id: reason for row in rows if (reason := reasons[row.record, row.key]) is not None}

    def _why_unchanged(self, row: Job | Waiting, to: Recipient) -> str | None:
        if row.record is None or row.key is None:
            return None  # an answer, or queued before the outbox knew of what: it goes out
        shown = self._shown(to, RecordType(row.record), row.key)
        if not is_other(self._runtime.sealer, shown, row.before_hash):
            return NOTHING_NEW
        told = self._told.get((row.party_id or 0, row.key))
        return TOLD_IN_PERSON if told is not None and not is_other(self._runtime.sealer, shown, told) else None

    def _shown(self, to: Recipient, record: RecordType, key: str) -> Shown | None:
        book = self._books.get(to.case_id)
        party = party_in(book, to.key) if book else None
        return self._editor.seen_now(book, next(iter(book.cases)), party, record, key) if book and party else None


def party_in(book: Book, key: str) -> Party | None:
    """The live party with this key, None if there is none."""
    entry = book.parties.get(key)
    return entry.live if entry else None
