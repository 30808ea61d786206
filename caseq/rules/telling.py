"""When somebody is told that something changed, and by what: the table of config/messages.toml, first match wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from caseq.rules.case import BUREAU_TIME, MilestoneName, Role

#: So long before the legal end the last message goes out: time for a provider that is slow.
BEFORE_THE_END = timedelta(hours=2)


class Channel(StrEnum):
    """By what somebody is told: an SMS, staff only, or nothing but the page itself."""

    SMS = "sms"
    IN_PERSON = "in person"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours of the bureau's day in which no news goes out; they may pass midnight."""

    begins: time
    ends: time

    def covers(self, moment: datetime) -> bool:
        here = moment.astimezone(BUREAU_TIME).time()
        if self.begins <= self.ends:
            return self.begins <= here < self.ends
        return here >= self.begins or here < self.ends

    def until(self, moment: datetime) -> datetime | None:
        """When the quiet hours that this moment lies in are over; None if it lies in none."""
        if not self.covers(moment):
            return None
        here = moment.astimezone(BUREAU_TIME)
        day = here.date() + timedelta(days=here.time() >= self.ends)
        return datetime.combine(day, self.ends, BUREAU_TIME).astimezone(UTC)

    def last_before(self, moment: datetime) -> datetime:
        """This moment, or the last one before it that is not quiet."""
        if not self.covers(moment):
            return moment
        here = moment.astimezone(BUREAU_TIME)
        day = here.date() - timedelta(days=here.time() < self.begins)
        return datetime.combine(day, self.begins, BUREAU_TIME).astimezone(UTC) - timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a role is told of a milestone: by what, how long after it became known, when not, and whether staff tell the
    person first, who then gets an SMS only if they did not by the legal end."""

    channel: Channel
    delay: timedelta
    quiet: Quiet | None
    tell_first: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; None fits every milestone (and every change of the case itself) or every role."""

    milestones: frozenset[MilestoneName] | None
    roles: frozenset[Role] | None
    manner: Manner

    def fits(self, milestone: MilestoneName | None, role: Role) -> bool:
        return (self.milestones is None or milestone in self.milestones) and (self.roles is None or role in self.roles)


def manner(table: Sequence[Line], milestone: MilestoneName | None, role: Role) -> Manner:
    """How this role is told of this milestone, or of a change of the case itself (None).

    The last line of a table fits everything: settings/ sees to that.
    """
    return next(line.manner for line in table if line.fits(milestone, role))


class Wait(StrEnum):
    """Why the SMS about a change does not go out at once, or not at all."""

    CORRECTION = "correction delay"
    UNDO = "release can be undone"
    IN_PERSON = "told in person first"
    STAFF_TELL = "staff tell it"
    PAGE_ONLY = "only on the page"


def wait_of(how: Manner, tell_first: bool, legal_end: datetime | None, now: datetime) -> tuple[Wait | None, datetime]:
    """Why the SMS waits, and until when; `tell_first` is what the case system says of the milestone itself."""
    if how.channel is not Channel.SMS:
        return (Wait.STAFF_TELL if how.channel is Channel.IN_PERSON else Wait.PAGE_ONLY), now
    if legal_end is not None and (how.tell_first or tell_first):
        return Wait.IN_PERSON, held_until(now, legal_end, how)
    return (Wait.CORRECTION if how.delay else None), now + how.delay


def held_until(now: datetime, legal_end: datetime, how: Manner) -> datetime:
    """Until when the SMS waits for staff to tell the person first: never past the legal end, and not into a night."""
    latest = legal_end - BEFORE_THE_END
    if how.quiet is not None:
        latest = how.quiet.last_before(latest)
    return max(now + how.delay, latest)


def spread(until: datetime, over: timedelta, number: int) -> datetime:
    """A moment in the span after `until`, the same for one number and spread evenly over many."""
    seconds = int(over.total_seconds())
    return until + timedelta(seconds=number * 7919 % seconds if seconds > 0 else 0)
