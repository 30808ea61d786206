"""Reads a mapping file and checks it whole; docs/adapters.md describes every key."""

import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

from adapters import vocabulary
from adapters.mapping import (
    CASE_TABLE,
    Appearance,
    CaseMapping,
    Coded,
    Condition,
    Detail,
    MilestoneMapping,
    PartyMapping,
    Phrase,
    Phrases,
    ServiceSettings,
    SourceSettings,
    SystemMapping,
    Table,
    Turn,
    UnitLookup,
)
from adapters.sections import Fault, MappingError, Report, Section, key_lines

_NUMBERS = {"amount": r"(?P<amount>[1-9]\d{0,11})", "days": r"(?P<days>[1-9]\d{0,3})"}
_SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def read_mapping(path: Path, environment: Mapping[str, str]) -> SystemMapping:
    """The checked mapping of this file; MappingError names every fault in it."""
    text = _read_text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise MappingError([Fault(str(path), int(line[1]) if line else None, "TOML", str(error))]) from error
    report = Report(str(path), key_lines(text), environment)
    mapping = _mapping(Section(values, (), report), str(path))
    if report.faults:
        raise MappingError(report.faults)
    return mapping


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is not UTF-8 text"
        raise MappingError([Fault(str(path), None, "file", reason)]) from error


def _mapping(root: Section, file: str) -> SystemMapping:
    adapter = root.section("adapter")
    name = adapter.name("name")
    state = adapter.text("state", f"var/adapter-{name}.db")
    adapter.close()
    service = _service(root.section("service"), root.section("push"))
    tables = _tables(root.section("tables"))
    names = [table.name for table in tables]
    mapping = SystemMapping(
        file=file,
        name=name,
        state=state,
        source=_source(root.section("source")),
        service=service,
        tables=tables,
        case=_case(root.section("case"), service.sources),
        milestones=tuple(_milestone(part, names) for part in root.sections("milestones")),
        parties=tuple(_party(part, names) for part in root.sections("parties")),
    )
    root.close()
    return mapping


def _source(part: Section) -> SourceSettings:
    settings = SourceSettings(
        url=part.text("url"),
        poll_seconds=part.number("poll_seconds", 10, 0.1),
        overlap_minutes=part.number("overlap_minutes", 10, 0),
        chunk_cases=int(part.number("chunk_cases", 200, 1)),
        full_read_hours=part.number("full_read_hours", 24, 0),
    )
    if settings.chunk_cases > 200:
        part.fault("chunk_cases", "must be at most 200")
    part.close()
    return settings


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


def _tables(part: Section) -> tuple[Table, ...]:
    names = sorted(part.values, key=lambda name: name != CASE_TABLE)
    if CASE_TABLE not in names:
        part.fault(CASE_TABLE, "is missing: it is the root table")
    return tuple(_table(part.section(name), name) for name in names)


def _table(part: Section, name: str) -> Table:
    table = Table(
        name=name,
        table=part.name("table"),
        row_id=part.name("id"),
        case_number=part.name("case_number"),
        changed=part.name("changed"),
        created=part.name("created", ""),
        deleted=_condition(part, "deleted"),
        secret=_condition(part, "secret"),
    )
    part.close()
    return table


def _condition(part: Section, key: str) -> Condition | None:
    """The optional condition { column, is = […] } or { column, is_not = […] } under this key."""
    if key not in part:
        part.section(key, required=False)
        return None
    inner = part.section(key)
    inverted = "is_not" in inner
    condition = Condition(
        column=inner.name("column"),
        values=frozenset(inner.texts("is_not" if inverted else "is")),
        inverted=inverted,
    )
    inner.close()
    return condition


def _case(part: Section, sources: Mapping[str, str]) -> CaseMapping:
    case = CaseMapping(
        kind=_coded(part.section("kind"), sources),
        state=part.choice("state", vocabulary.STATES, "open"),
        opened_on=part.name("opened_on", ""),
        aliases=part.texts("aliases", ()),
        merged_into=part.name("merged_into", ""),
        unit=_unit(part.section("unit")) if "unit" in part else None,
    )
    part.close()
    return case


def _unit(part: Section) -> UnitLookup:
    keys = ("table", "by", "code", "name", "address", "phone")
    unit = UnitLookup(*(part.name(key) for key in keys))
    part.close()
    return unit


def _coded(part: Section, allowed: Mapping[str, object] | frozenset[str] | None) -> Coded:
    coded = Coded(part.name("column"), part.codes("codes", allowed))
    part.close()
    return coded


def _template(part: Section, key: str, default: str | None = None) -> str:
    """The template of this key: text with column names in braces, at least one."""
    template = part.text(key, default)
    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError:
        names = []
    if template and (not names or not all(re.fullmatch(r"\w+", name) for name in names)):
        part.fault(key, "must name its columns in braces, such as {RYBH}:family")
        return ""
    return template


def _milestone(part: Section, tables: list[str]) -> MilestoneMapping:
    name = part.choice("name", vocabulary.DETAILS)
    history = part.name("history", "")
    milestone = MilestoneMapping(
        name=name,
        table=part.choice("table", tables, CASE_TABLE),
        kinds=part.choices("kinds", vocabulary.KINDS, vocabulary.KINDS),
        key=_template(part, "key"),
        subject=_template(part, "subject", ""),
        occurred_on=part.name("occurred_on"),
        document_number=part.name("document_number", ""),
        history=history,
        details=_details(part, name),
    )
    part.close()
    if not history and any(isinstance(detail, Turn) for detail in milestone.details.values()):
        part.fault("history", "is missing: a detail with first and later needs it")
    return milestone


def _details(part: Section, milestone: str) -> dict[str, Detail]:
    inner = part.section("details", required=False)
    known = vocabulary.DETAILS.get(milestone, frozenset())
    found: dict[str, Detail] = {}
    for name in inner.values:
        if name not in known:
            inner.fault(name, f"is not a detail of {milestone}; known are {', '.join(sorted(known)) or 'none'}")
        found[name] = _detail(inner.section(name), name)
    return found


def _detail(part: Section, name: str) -> Detail:
    if "first" in part:
        values = vocabulary.DETAIL_VALUES.get(name, frozenset())
        turn = Turn(part.choice("first", values), part.choice("later", values))
        part.close()
        return turn
    if name == "penalties":
        return _phrases(part)
    return _coded(part, vocabulary.DETAIL_VALUES.get(name))


def _phrases(part: Section) -> Phrases:
    between = sorted(part.texts("between"), key=len, reverse=True)
    words = part.codes("words", vocabulary.PENALTIES)
    phrases = Phrases(
        column=part.name("column"),
        between=re.compile("|".join(map(re.escape, between)) or r"(?!)"),
        phrases=tuple(Phrase(_wording(wording), penalty) for wording, penalty in words.items()),
    )
    part.close()
    return phrases


def _wording(wording: str) -> re.Pattern[str]:
    """The pattern of a wording such as 罚款{amount}元."""
    pieces = re.split(r"\{(amount|days)\}", wording)
    return re.compile("".join(_NUMBERS[piece] if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)))


def _party(part: Section, tables: list[str]) -> PartyMapping:
    party = PartyMapping(
        table=part.choice("table", tables),
        key=_template(part, "key"),
        role=_role(part),
        only=_condition(part, "only"),
        name=part.name("name"),
        phone=part.name("phone"),
        subject=_template(part, "subject", ""),
        appeared_on=_appearance(part.section("appeared_on")) if "appeared_on" in part else None,
        born_on=part.name("born_on", ""),
        sms=part.flag("sms", True),
    )
    part.close()
    return party


def _role(part: Section) -> str | Coded:
    if isinstance(part.values.get("role"), dict):
        return _coded(part.section("role"), vocabulary.ROLES | {""})
    return part.choice("role", vocabulary.ROLES)


def _appearance(part: Section) -> Appearance:
    when = _condition(part, "when")
    if when is None:
        part.fault("when", "is missing")
    appearance = Appearance(part.texts("columns"), when or Condition("", frozenset()))
    part.close()
    return appearance
