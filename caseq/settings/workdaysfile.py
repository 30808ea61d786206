"""config/workdays.toml: corrections to the calendar of working days, and the limits within which parties are told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields, validate

from caseq.errors import ConfigurationError, Fault
from caseq.rules.case import MILESTONES_IN, ROLES_IN, Kind, MilestoneName, Role
from caseq.rules.measures import Measure, MeasureAction
from caseq.rules.timelimits import Shorter, TimeLimits, undecided
from caseq.rules.workdays import Calendar, Correction, Limit, LimitUnit
from caseq.settings.strictfields import Day, Flag
from caseq.settings.tomlfile import TomlFile

FILE = "workdays.toml"

_MOST = {LimitUnit.HOURS: 8784, LimitUnit.CALENDAR_DAYS: 366, LimitUnit.WORKING_DAYS: 250}
Keys = Sequence[str | int]


def _said(what: str) -> fields.String:
    """A text that is not blank; whoever forgot it is told to write `what`."""
    check = validate.Regexp(r"\s*\S", error=f"is empty: write {what}")
    return fields.String(required=True, validate=check, error_messages={"required": f"is missing: write {what}"})


def _some(kind: type[Any], required: bool = True) -> fields.List[Any]:
    """At least one value of an enum."""
    some = validate.Length(min=1, error="is empty: name one, or delete it")
    return fields.List(fields.Enum(kind, by_value=True), required=required, validate=some)


class _DayToml(Schema):
    on = Day(required=True)
    works = Flag(required=True)
    reason = _said("the number of the notice that says so")


def _amount(unit: LimitUnit) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(1, _MOST[unit]))


class _AmountToml(Schema):
    hours = _amount(LimitUnit.HOURS)
    calendar_days = _amount(LimitUnit.CALENDAR_DAYS)
    working_days = _amount(LimitUnit.WORKING_DAYS)
    clause = _said("the clause that sets this limit")


class _ShorterToml(_AmountToml):
    kind = fields.Enum(Kind, by_value=True, required=True)
    milestones = _some(MilestoneName)
    roles = _some(Role)
    measures = _some(Measure, required=False)
    actions = _some(MeasureAction, required=False)


class _LimitToml(Schema):
    tell = fields.Nested(_AmountToml, required=True)


class WorkdaysToml(Schema):
    complete_years = fields.List(fields.Integer(strict=True, validate=validate.Range(2004, 2100)), load_default=list)
    day = fields.List(fields.Nested(_DayToml), load_default=list)
    limit = fields.Nested(_LimitToml, required=True)
    shorter = fields.List(fields.Nested(_ShorterToml), load_default=list)


def read_workdays(folder: Path) -> dict[str, Any]:
    """`workdays` and `time_limits` of the settings; ConfigurationError with everything wrong in the file."""
    file = TomlFile(folder / FILE)
    loaded = file.checked(WorkdaysToml(), file.data)
    days, years, written = loaded["day"], loaded["complete_years"], loaded["shorter"]
    faults = [*_day_faults(file, days), *_year_faults(file, years, [day["on"] for day in days])]
    faults += _amount_faults(file, ["limit", "tell"], loaded["limit"]["tell"])
    for position, one in enumerate(written):
        faults += [*_amount_faults(file, ["shorter", position], one), *_never_covers(file, position, one)]
    if faults:
        raise ConfigurationError(faults)
    limits = TimeLimits(_limit(loaded["limit"]["tell"]), tuple(map(_shorter, written)))
    if faults := list(_order_faults(file, limits)):
        raise ConfigurationError(faults)
    corrections = {day["on"]: Correction(day["works"], day["reason"]) for day in days}
    return {"workdays": Calendar(corrections, frozenset(years)), "time_limits": limits}


def _day_faults(file: TomlFile, days: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    first: dict[date, int] = {}
    for position, day in enumerate(days):
        if (before := first.setdefault(day["on"], position)) != position:
            line = file.line(["day", before, "on"])
            yield file.fault(["day", position, "on"], f"is corrected already (line {line}): delete one of the two")


def _year_faults(file: TomlFile, years: Sequence[int], days: Iterable[date]) -> Iterator[Fault]:
    """A year without a day below was named too early: all of its public holidays would be working days."""
    written = {day.year for day in days}
    for position, year in enumerate(years):
        if year not in written:
            yield file.fault(["complete_years", position], f"there is no [[day]] of {year}: write all its holidays")


def _amount_faults(file: TomlFile, keys: Keys, loaded: Mapping[str, Any]) -> Iterator[Fault]:
    named = [unit for unit in LimitUnit if unit in loaded]
    if len(named) != 1:
        found = " and ".join(named) or "none"
        yield file.fault(keys, f"has {found}: write one of {', '.join(LimitUnit)}")


def _never_covers(file: TomlFile, position: int, loaded: Mapping[str, Any]) -> Iterator[Fault]:
    """Milestones and roles that no case of this kind has; measures where nothing is one."""
    kind = loaded["kind"]
    for key, known in (("milestones", MILESTONES_IN[kind]), ("roles", ROLES_IN[kind])):
        for place, name in enumerate(loaded[key]):
            if name not in known:
                reason = f"no case of kind {kind} has {name}: write one of {', '.join(sorted(known))}"
                yield file.fault(["shorter", position, key, place], reason)
    if loaded["milestones"] != [MilestoneName.COMPULSORY_MEASURE]:
        for key in ("measures", "actions"):
            if key in loaded:
                reason = f"may stand beside milestones = [{MilestoneName.COMPULSORY_MEASURE}] only: delete it"
                yield file.fault(["shorter", position, key], reason)


def _order_faults(file: TomlFile, limits: TimeLimits) -> Iterator[Fault]:
    """Limits that are not always the shorter ones, and pairs of which now one ends first, now the other."""
    for position, one in enumerate(limits.shorter):
        if not one.limit.is_within(limits.general):
            yield file.fault(["shorter", position], "is not always shorter than limit.tell: shorten it, or delete it")
    for earlier, later in undecided(limits.shorter):
        line = file.line(["shorter", earlier])
        reason = f"covers what the limit on line {line} covers, and either may end first: keep the one that is meant"
        yield file.fault(["shorter", later], reason)


def _limit(loaded: Mapping[str, Any]) -> Limit:
    unit = next(unit for unit in LimitUnit if unit in loaded)
    return Limit(loaded[unit], unit, loaded["clause"])


def _shorter(loaded: Mapping[str, Any]) -> Shorter:
    return Shorter(
        loaded["kind"],
        frozenset(loaded["milestones"]),
        frozenset(loaded["roles"]),
        _limit(loaded),
        frozenset(loaded.get("measures", ())),
        frozenset(loaded.get("actions", ())),
    )
