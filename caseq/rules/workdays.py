"""Working days at the bureau, and when a time limit ends: counted day by day, so that the count can be shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

import chinese_calendar

from caseq.rules.case import BUREAU_TIME, bureau_date

_ONE_DAY = timedelta(days=1)
#: The notice of a year may still move days from here on in December before it: the ones for 2007, 2008, 2012, 2019,
#: 2023 and 2024 did, as early as the 29th.
_MOVED_FROM = 25


class Reason(StrEnum):
    """Why a day is a working day or none."""

    WEEKDAY = "weekday"
    WEEKEND = "weekend"
    PUBLIC_HOLIDAY = "public_holiday"
    MAKE_UP_DAY = "make_up_day"
    LOCAL_CORRECTION = "local_correction"


@dataclass(frozen=True, slots=True)
class Correction:
    """What `config/workdays.toml` says of one day, and the notice that says it."""

    works: bool
    notice: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day at the bureau: whether it is a working day, and why.

    `is_known` is false where no notice of the State Council covers the day: what is said of it is then assumed.
    `holiday` is the public holiday that it belongs to or makes up for, by language; `notice` that of a correction.
    """

    on: date
    works: bool
    reason: Reason
    is_known: bool
    holiday: Mapping[str, str] | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days: those of the library `chinesecalendar`, with the bureau's corrections.

    The public holidays of `complete_years` are all among the corrections, so that other days there are as usual.
    """

    corrections: Mapping[date, Correction] = field(default_factory=dict)
    complete_years: frozenset[int] = frozenset()

    def is_workday(self, day: date) -> bool:
        """Whether the bureau works on this day; from Monday to Friday where that is not known."""
        return self.day(day).works

    def is_known(self, day: date) -> bool:
        """Whether a published calendar or a correction says so."""
        return self.day(day).is_known

    def day(self, on: date) -> Day:
        """What is known of one day."""
        if (correction := self.corrections.get(on)) is not None:
            return Day(on, correction.works, Reason.LOCAL_CORRECTION, True, notice=correction.notice)
        is_weekday = on.weekday() < 5
        published = _published(on)
        works, name = published or (is_weekday, None)
        if name is None:
            reason = Reason.WEEKDAY if is_weekday else Reason.WEEKEND
        else:
            reason = Reason.MAKE_UP_DAY if works else Reason.PUBLIC_HOLIDAY
        return Day(on, works, reason, self._is_covered(on), holiday=_words(name) if name else None)

    @property
    def known_up_to(self) -> int:
        """The last year whose public holidays are known."""
        last: int = max(chinese_calendar.holidays).year
        while last + 1 in self.complete_years:
            last += 1
        return last

    def _is_covered(self, day: date) -> bool:
        is_late = (day.month, day.day) >= (12, _MOVED_FROM)
        return self._has_year(day.year) and (not is_late or self._has_year(day.year + 1))

    def _has_year(self, year: int) -> bool:
        return year in self.complete_years or (year <= date.max.year and _published(date(year, 1, 1)) is not None)


@lru_cache(maxsize=4096)  # Eleven years: the library goes through all it knows at every question.
def _published(day: date) -> tuple[bool, str | None] | None:
    """Whether the day is a working day as published, and the holiday that made it what it is; None outside of the
    years that the library knows."""
    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return None
    return not is_off, name


def _words(holiday: str) -> dict[str, str]:
    return {"zh": chinese_calendar.Holiday(holiday).chinese, "en": holiday}


class LimitUnit(StrEnum):
    """How a limit runs, from the strictest for an equal number of days."""

    HOURS = "hours"
    CALENDAR_DAYS = "calendar_days"
    WORKING_DAYS = "working_days"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many hours or days, by which clause."""

    amount: int
    unit: LimitUnit
    clause: str

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError("a limit is at least one hour or day")

    @property
    def length(self) -> tuple[float, int]:
        """What limits are sorted by, the shortest first: days, then how they run."""
        days = self.amount / 24 if self.unit is LimitUnit.HOURS else float(self.amount)
        return days, list(LimitUnit).index(self.unit)

    def is_within(self, other: "Limit") -> bool:
        """Whether this limit never ends later than the other, whatever the day and the calendar.

        Neither need be within the other: from a Friday two working days end after three days, from a Monday before.
        """
        return all(mine <= its for mine, its in zip(self.length, other.length, strict=True))


@dataclass(frozen=True, slots=True)
class Step:
    """One day of the count: `number` is 0 on the day of formation, then 1, 2 ... and None where it is not counted.

    Where all days count and the last one is no working day, more days without a number follow it, up to a working day.
    """

    day: Day
    number: int | None


@dataclass(frozen=True, slots=True)
class Due:
    """When a limit ends. What happens before `at` (aware UTC) is in time: for days that is the first moment after the
    last one, midnight in Asia/Shanghai. `on` is the last day there, never the one that begins with `at`.

    It is provisional where it rests on days that are not known. `steps` has every day from that of formation to the
    last; none for hours, which run on whatever day it is.
    """

    at: datetime
    on: date
    is_provisional: bool
    steps: tuple[Step, ...]


def last_day(end: datetime) -> date:
    """The last day at the bureau of a limit that ends at this moment, which is the first one too late."""
    return bureau_date(end - timedelta.resolution)


def due(calendar: Calendar, formed_at: datetime, limit: Limit) -> Due:
    """When the limit ends that runs from this aware moment; ValueError for one without a zone.

    The day of formation is not counted (Criminal Procedure Law, article 105). OverflowError at the end of year 9999.
    """
    if formed_at.utcoffset() is None:
        raise ValueError("the moment of formation has no zone")
    if limit.unit is LimitUnit.HOURS:
        # In UTC: hours added to local time would be wrong by one where clocks are changed.
        at = formed_at.astimezone(UTC) + timedelta(hours=limit.amount)
        return Due(at, last_day(at), False, ())
    counts_all = limit.unit is LimitUnit.CALENDAR_DAYS
    steps = _steps(calendar, bureau_date(formed_at), limit.amount, counts_all)
    decisive = steps[limit.amount if counts_all else 1 :]
    on = steps[-1].day.on
    at = datetime.combine(on + _ONE_DAY, time(), BUREAU_TIME).astimezone(UTC)
    return Due(at, on, any(not step.day.is_known for step in decisive), tuple(steps))


def first_unknown(calendar: Calendar, today: date, amount: int) -> date | None:
    """The first day after today of which nothing is known, up to so many working days ahead; None if all is known."""
    ahead = _steps(calendar, today, amount, counts_all=False)[1:]
    return next((step.day.on for step in ahead if not step.day.is_known), None)


def _steps(calendar: Calendar, formed_on: date, amount: int, counts_all: bool) -> list[Step]:
    """The days from that of formation to the last one, which is a working day, also where all days count."""
    steps = [Step(calendar.day(formed_on), 0)]
    counted = 0
    while counted < amount or not steps[-1].day.works:
        day = calendar.day(steps[-1].day.on + _ONE_DAY)
        is_counted = counted < amount and (counts_all or day.works)
        counted += is_counted
        steps.append(Step(day, counted if is_counted else None))
    return steps
