"""Reads a mapping file and checks it whole; docs/mapping.md describes every key."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from adapters import vocabulary
from adapters.columns import columns_read
from adapters.mapping import ServiceSettings, SystemMapping, Table
from adapters.mapping_records import case, milestone, party
from adapters.mapping_tables import tables, unit_lookup, with_unit_lookup
from adapters.naming import named_at
from adapters.sections import Fault, MappingError, Report, Section, key_places
from adapters.sources.settings import SourceSettings

#: SQL Server compares a column with so many values at most.
MOST_CASES = 2000
#: What a draft writes beside its guesses.
UNDECIDED = "# CHECK"
_SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def read_mapping(path: Path, environment: Mapping[str, str]) -> SystemMapping:
    """The checked mapping of this file; MappingError names every fault in it."""
    text = _read_text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        lines = text.split("\n")
        place = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
        raise MappingError([Fault(str(path), place, "TOML", str(error))]) from error
    report = Report(str(path), key_places(text), environment)
    mapping = _mapping(Section(values, (), report), str(path))
    if report.faults:
        raise MappingError(report.faults)
    marked = (number for number, line in enumerate(text.splitlines(), start=1) if UNDECIDED in line)
    return replace(mapping, undecided=tuple(marked))


def undecided(mapping: SystemMapping) -> MappingError:
    """What is wrong with pushing by a draft: the guesses that nobody has decided."""
    reason = f"is a guess: decide it, and take {UNDECIDED} out"
    return MappingError([Fault(mapping.file, (number, 1), "draft", reason) for number in mapping.undecided])


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is not UTF-8 text"
        raise MappingError([Fault(str(path), None, "file", reason)]) from error


def _mapping(root: Section, file: str) -> SystemMapping:
    adapter = root.section("adapter")
    name = adapter.name("name")
    state = adapter.text("state", f"var/adapter-{name}.db")
    adapter.close()
    source = _source(root.section("source"))
    root.report.has_headings = bool(source.inbox)
    service = _service(root.section("service"), root.section("push"))
    case_part = root.section("case")
    found = _with_unit(tables(root.section("tables")), case_part)
    names = [table.name for table in found]
    mapping = SystemMapping(
        file=file,
        name=name,
        state=state,
        source=source,
        service=service,
        tables=found,
        case=case(case_part, service.sources),
        milestones=tuple(milestone(part, found) for part in root.sections("milestones")),
        parties=tuple(party(part, found) for part in root.sections("parties")),
        by_name=dict(zip(names, found, strict=True)),
    )
    root.close()
    _check_paths(mapping, root)
    _check_lookups(mapping, root)
    _check_histories(mapping, root)
    return mapping


def _check_paths(mapping: SystemMapping, root: Section) -> None:
    """Records a fault for every column of an XML table that is no path."""
    tables = [table for table in mapping.tables if table.drops and table.drops.format == "xml"]
    if not tables or root.report.faults:
        return
    from adapters.sources.xml_rows import column_path  # needs a library that only XML needs

    for table in tables:
        for column in columns_read(mapping, table):
            try:
                column_path(column)
            except ValueError as error:
                root.report.add(("tables", table.name), f"column {column}: {error}")


def _check_lookups(mapping: SystemMapping, root: Section) -> None:
    """Records a fault for every column of a lookup that its table does not have."""
    if root.report.has_headings or root.report.faults:
        return
    text = _read_text(Path(mapping.file))
    for table in mapping.tables:
        for column in columns_read(mapping, table):
            lookup, point, _ = column.partition(".")
            if point:
                path, _ = named_at(text, table.name, column) or (("tables", table.name), None)
                root.report.add(path, f"{column}: no lookup of {table.name} is called {lookup}")


def _check_histories(mapping: SystemMapping, root: Section) -> None:
    """Records a fault where two milestones of one name would keep one history of a row between them."""
    if root.report.faults:
        return
    keeping = [(place, one) for place, one in enumerate(mapping.milestones) if one.history]
    for (_, first), (place, second) in combinations(keeping, 2):
        is_one = (first.table, first.name.always) == (second.table, second.name.always)
        if is_one and set(first.kinds) & set(second.kinds):
            reason = "another milestone of this name and table keeps one: give each a table of its own, such as a view"
            root.report.add(("milestones", place, "history"), reason)


def _with_unit(found: Sequence[Table], case_part: Section) -> tuple[Table, ...]:
    if case_part.report.has_headings:
        return tuple(found)
    unit = case_part.values.get("unit")
    lookup = unit_lookup(case_part.section("unit")) if isinstance(unit, dict) else None
    return (with_unit_lookup(found[0], lookup), *found[1:]) if lookup and found else tuple(found)


def _source(part: Section) -> SourceSettings:
    settings = SourceSettings(
        url=part.text("url", ""),
        inbox=part.text("inbox", ""),
        schema=part.text("schema", ""),
        is_utc=part.flag("utc", False),
        poll_seconds=part.number("poll_seconds", 10, 0.1),
        overlap_minutes=part.number("overlap_minutes", 10, 0),
        chunk_cases=int(part.number("chunk_cases", 2000, 1)),
        full_read_hours=part.number("full_read_hours", 24, 0),
        settle_seconds=part.number("settle_seconds", 10, 0),
        keep_days=int(part.number("keep_days", 30, 1)),
    )
    if bool(settings.url) == bool(settings.inbox) and not ("url" in part and "url" in _faulty(part)):
        part.fault("url", "is needed, or else inbox: a database, or a folder of files")
    if settings.chunk_cases > MOST_CASES:
        part.fault("chunk_cases", f"must be at most {MOST_CASES}")
    part.close()
    return settings


def _faulty(part: Section) -> set[str]:
    """The keys of this part that have a fault already."""
    return {fault.key.rpartition(".")[2] for fault in part.report.faults}


def _service(part: Section, push: Section) -> ServiceSettings:
    sources = push.section("sources")
    for kind, source in sources.values.items():
        if kind not in vocabulary.KINDS:
            sources.fault(kind, f"is not a kind of case; kinds are {', '.join(sorted(vocabulary.KINDS))}")
        if not isinstance(source, str) or not _SOURCE_NAME.fullmatch(source):
            sources.fault(kind, "must be the name of a push source: a-z, 0-9 and _")
    push.close()
    settings = ServiceSettings(
        url=part.text("url", "").rstrip("/"),
        ca_file=part.text("ca_file", ""),
        heartbeat_seconds=part.number("heartbeat_seconds", 300 if "files" in part else 60, 1),
        retry_first_seconds=part.number("retry_first_seconds", 1, 0.01),
        retry_most_seconds=part.number("retry_most_seconds", 300, 0.01),
        sources={kind: str(source) for kind, source in sources.values.items()},
        files=part.text("files", ""),
        full_copy_hours=part.number("full_copy_hours", 24, 1),
        first_batch=int(part.number("first_batch", 1, 1)),
    )
    if bool(settings.url) == bool(settings.files):
        part.fault("url", "give either url or files: by network, or across an air gap")
    if settings.url and not _is_safe(settings.url):
        part.fault("url", "must begin with https:// (http:// only for this machine itself)")
    part.close()
    return settings


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return parts.scheme == "https" and bool(parts.hostname)
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"
