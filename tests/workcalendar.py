"""Days and moments for tests about working days."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import chinese_calendar
import pytest
from chinese_calendar import utils

from caseq.rules import workdays
from caseq.rules.case import BUREAU_TIME
from caseq.rules.workdays import Calendar, Correction, Limit, LimitUnit

PUBLISHED = Calendar()
OFF = Correction(False, "宁政办发〔2026〕1号")
ON = Correction(True, "宁政办发〔2026〕2号")
FIVE = Limit(5, LimitUnit.WORKING_DAYS, "《公安机关执法公开规定》")
THREE_DAYS = Limit(3, LimitUnit.CALENDAR_DAYS, "《公安机关办理刑事案件程序规定》第189条")
#: The notice as it may come: New Year's Day to the third are free, the first Sunday after is worked.
NEW_YEAR_OF_2027 = Calendar(
    {
        **{date(2027, 1, day): Correction(False, "国办发明电〔2026〕9号") for day in (1, 2, 3)},
        date(2027, 1, 10): Correction(True, "国办发明电〔2026〕9号"),
    },
    frozenset({2027}),
)
DAY_AND_NIGHT = Limit(24, LimitUnit.HOURS, "《公安机关办理刑事案件程序规定》第127条")


@contextmanager
def known_up_to(year: int) -> Iterator[None]:
    """While it lasts, the library knows no year after this one, whichever release is installed."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("holidays", "workdays"):
            known = {day: holiday for day, holiday in getattr(chinese_calendar, name).items() if day.year <= year}
            patch.setattr(chinese_calendar, name, known)
            patch.setattr(utils, name, known)
        workdays._published.cache_clear()
        yield
    workdays._published.cache_clear()


def noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=BUREAU_TIME)


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=passed) for passed in range((last - first).days + 1)]
