"""How a party was told of what it may see, and whether that was in time: what counts, decided from what was kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.rules.case import bureau_date
from caseq.rules.replay import Opening, Reach, Showing
from caseq.rules.workdays import Due, Limit

#: A push notes its moment when it begins and is seen when it ends: a look so soon after it may have come before.
SURELY_SEEN = timedelta(minutes=1)


class Channel(StrEnum):
    """How somebody learned of something: by an SMS, from staff, or from the page."""

    SMS = "sms"
    IN_PERSON = "in person"
    TELEPHONE = "telephone"
    PAPER = "paper"
    PAGE = "page"


class Receipt(StrEnum):
    """What the provider said of a message that it took."""

    NONE = "none"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Call:
    """A provider took the message from us at `handed_at`; `heard_at` is when we heard what became of it."""

    gateway: str
    receipt_id: str | None
    handed_at: datetime
    receipt: Receipt = Receipt.NONE
    heard_at: datetime | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One SMS about it, or one that did not come about: `state` and `reason` as in the outbox.

    `together`: it told of other changes too. `waits_until` is there while it waits.
    """

    state: str
    reason: str | None
    made_at: datetime
    template: str | None
    version: int | None
    language: str | None
    together: bool
    calls: Sequence[Call]
    waits_until: datetime | None = None
    #: The legal end as it was counted when the message was queued; the calendar may have been corrected since.
    end_then: datetime | None = None


@dataclass(frozen=True, slots=True)
class ByStaff:
    """Staff told it themselves, and recorded that."""

    channel: Channel
    told_at: datetime
    recorded_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Told:
    """By what the party was told first, and when; `is_confirmed` is false for an SMS without a receipt."""

    channel: Channel
    at: datetime
    is_confirmed: bool = True


class Verdict(StrEnum):
    """IN_TIME, LATE: told before the limit was over, or after. OPEN: not told yet, the limit runs. OVERDUE: never told,
    and the limit is over. GONE: corrected or taken back within the limit before anybody told it."""

    IN_TIME = "in time"
    LATE = "late"
    OPEN = "open"
    OVERDUE = "overdue"
    GONE = "gone"


class Silence(StrEnum):
    """Why no message was made at all."""

    NO_NUMBER = "no number"
    NOT_WANTED = "not wanted"
    HISTORY = "history"  # it was old when it came: a case system that was just connected
    BY_DAY = "day"  # a day opened it (a hold was over), and days make no message
    NONE_MADE = "none made"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of a proof: what the party could see, until when it had to be told, and all that was done about it."""

    showing: Showing
    limit: Limit
    due: Due
    messages: Sequence[Message]
    by_staff: Sequence[ByStaff]
    seen_at: datetime | None
    first: Told | None
    verdict: Verdict
    silence: Silence | None


def notice(
    showing: Showing,
    limit: Limit,
    due: Due,
    messages: Sequence[Message],
    by_staff: Sequence[ByStaff],
    views: Sequence[datetime],
    news_since: datetime,
    now: datetime,
) -> Notice:
    """The line of this showing; `views` are the looks of the party, oldest first, and what was formed before
    `news_since` was too old for a message when it came."""
    seen_at = first_view(showing, views)
    first = told_first(showing, messages, by_staff, seen_at)
    silence = None if messages else why_silent(showing, news_since)
    found = verdict(first, due, showing.until, now)
    return Notice(showing, limit, due, messages, by_staff, seen_at, first, found, silence)


def first_view(showing: Showing, views: Sequence[datetime]) -> datetime | None:
    """The first look that surely saw it: a look after a correction saw something else."""
    since, until = showing.since + SURELY_SEEN, showing.until
    return next((at for at in views if since <= at and (until is None or at < until)), None)


def told_first(
    showing: Showing, messages: Sequence[Message], by_staff: Sequence[ByStaff], seen_at: datetime | None
) -> Told | None:
    """By what the party was told first, None if by nothing.

    An SMS counts from the moment at which a provider took it, unless the provider says that it failed. Staff count from
    the day on which the information was formed.
    """
    ways = [*_by_sms(messages)]
    formed_on = bureau_date(showing.formed_at)
    ways += [Told(one.channel, one.told_at) for one in by_staff if bureau_date(one.told_at) >= formed_on]
    if seen_at is not None:
        ways.append(Told(Channel.PAGE, seen_at))
    return min(ways, key=lambda told: told.at, default=None)


def _by_sms(messages: Sequence[Message]) -> Iterator[Told]:
    for call in (call for message in messages for call in message.calls):
        if call.receipt is not Receipt.FAILED:
            yield Told(Channel.SMS, call.handed_at, call.receipt is Receipt.DELIVERED)


def verdict(first: Told | None, due: Due, until: datetime | None, now: datetime) -> Verdict:
    """Whether it was told in time; what stood there until `until` had to be told only if the limit ended before."""
    if first is not None:
        return Verdict.IN_TIME if first.at < due.at else Verdict.LATE
    if until is not None and until < due.at:
        return Verdict.GONE
    return Verdict.OPEN if now < due.at else Verdict.OVERDUE


def why_silent(showing: Showing, news_since: datetime) -> Silence:
    """Why nobody was sent anything about it."""
    if showing.reach is Reach.NO_NUMBER:
        return Silence.NO_NUMBER
    if showing.reach is Reach.NOT_WANTED:
        return Silence.NOT_WANTED
    if showing.opened_by is Opening.DAY:
        return Silence.BY_DAY
    return Silence.HISTORY if showing.formed_at < news_since else Silence.NONE_MADE
