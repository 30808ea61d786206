"""Fixtures: rows of a few cases without their persons, and the events they give; kept to test a mapping again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.changes import changes
from adapters.disguise import Disguise
from adapters.mapping import CASE_TABLE, Row, SystemMapping
from adapters.masking import shown
from adapters.moments import LOCAL_TIME
from adapters.reading import CaseRows
from adapters.records import read_case
from adapters.sections import Fault, MappingError
from adapters.sources.source import Source
from adapters.values import Unread, is_closed

_ABOUT, _ROWS, _EVENTS = "fixture.json", "rows.jsonl", "events.jsonl"


def record(mapping: SystemMapping, source: Source, folder: Path, most: int, now: datetime) -> int:
    """Writes a fixture of up to this many cases into a folder that is new or empty; how many cases it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise MappingError([Fault(str(folder), None, "out", "is not empty: nothing was written")])
    found = islice(source.changed_rows(None), most)
    numbers = dict.fromkeys(row.case_number for row in found if row.case_number)
    today = now.astimezone(LOCAL_TIME).date()
    disguise = Disguise(mapping, today)
    cases = [disguise.case(case) for case in source.cases(list(numbers)) if _may_leave(mapping, case)]
    about = {"adapter": mapping.name, "recorded_at": now.isoformat(timespec="seconds")}
    (folder / _ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    _write(folder / _ROWS, [{"number": case.number, "tables": case.tables} for case in cases])
    moment = datetime.fromisoformat(about["recorded_at"])
    _write(folder / _EVENTS, _outcomes(mapping, cases, moment))
    return len(cases)


def replay(mapping: SystemMapping, folder: Path) -> list[str]:
    """What the mapping now makes of the rows of this fixture otherwise than when it was recorded."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        cases = [CaseRows(row["number"], _revived(row["tables"])) for row in _read(folder / _ROWS)]
        before = {_place(one): one for one in _read(folder / _EVENTS)}
        moment = datetime.fromisoformat(about["recorded_at"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MappingError([Fault(str(folder), None, "fixture", "is not a whole fixture")]) from error
    now = {_place(one): one for one in _outcomes(mapping, cases, moment)}
    return [line for place in sorted({*before, *now}) for line in _difference(place, before.get(place), now.get(place))]


def _revived(tables: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """The rows as they were before they were written: cells without a certain text have none again."""
    return {
        name: [{column: Unread.revived(text) for column, text in row.items()} for row in rows]
        for name, rows in tables.items()
    }


def _may_leave(mapping: SystemMapping, case: CaseRows) -> bool:
    """Whether the case is not secret: of a secret one not even a disguise is kept."""
    secret = mapping.table(CASE_TABLE).secret
    return not any(is_closed(secret, row) for row in case.tables.get(CASE_TABLE, ()))


def _outcomes(mapping: SystemMapping, cases: Sequence[CaseRows], moment: datetime) -> list[dict[str, Any]]:
    """The events of these cases, and what is refused of them."""
    today: date = moment.astimezone(LOCAL_TIME).date()
    return [one for case in cases for one in _outcome(mapping, case, moment, today)]


def _outcome(mapping: SystemMapping, case: CaseRows, moment: datetime, today: date) -> Iterator[dict[str, Any]]:
    reading = read_case(mapping, case, {}, today)
    for change in changes(reading, [], moment):
        yield {"key": change.known.key, "event": json.loads(change.body)}
    for one in reading.refusals:
        yield {"key": one.origin, "refused": one.name, "column": one.column, "reason": one.reason, "case": case.number}


def _place(one: Mapping[str, Any]) -> tuple[str, str, str]:
    if "refused" in one:
        return ("refused", str(one["refused"]), f"{one['key']} {one['column']} of case {one['case']}")
    event = one["event"]
    return (str(event["source"]), str(event["type"]).split(".")[1], f"{one['key']} of case {event['subject']}")


def _difference(
    place: tuple[str, str, str], before: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> Iterator[str]:
    called = " ".join((*place[:2], *(shown(part) for part in place[2].split(" "))))
    if before is None or now is None:
        yield f"{called}: {'only before' if now is None else 'only now'}"
    elif before != now:
        names = sorted(_changed(before.get("event", before), now.get("event", now)) - {"id"})
        yield f"{called}: {', '.join(names)}"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> set[str]:
    """The fields that are not alike; never what they hold."""
    found: set[str] = set()
    for name in {*before, *now}:
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found |= _changed(old, new, f"{prefix}{name}.")
        elif old != new:
            found.add(prefix + name)
    return found


def _write(path: Path, values: Sequence[Mapping[str, Any]]) -> None:
    lines = [json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n" for value in values]
    path.write_text("".join(lines), encoding="utf-8")


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
