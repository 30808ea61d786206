"""Drafts a mapping from a look at the source; everything that is a guess is marked # CHECK."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from adapters import guessing
from adapters.guessing import kind_of
from adapters.sections import Fault, MappingError, Report, Section
from adapters.sources.fileformat import Drops
from adapters.sources.looking import Column, LookedAt

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
#: Stands for a column that nobody could guess; `check` says that there is none of this name.
_UNKNOWN = "?"
_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]*")


def draft(name: str, origin: str, schema: str) -> str:
    """The draft of the mapping `name` of the case system at this URL, or of the register in this file."""
    if not _NAME.fullmatch(name):
        raise MappingError([Fault("new", None, "NAME", "must be a-z, 0-9 and _, and begin with a letter")])
    tables = [_named(table) for table in _look(origin, schema)]
    root = _root(tables)
    if root is None:
        raise MappingError([Fault("new", None, "from", "has no table with a column that a mapping can name")])
    lines = [*_head(name, root, schema)]
    mapped = [(root, "case"), *_children(tables, root)]
    for table, called in mapped:
        lines += _table(table, called)
    lines += _case(root)
    for table, called in mapped:
        lines += [*_milestones(table, called), *_parties(table, called)]
    left = [table for table in tables if all(table is not one for one, _ in mapped)]
    if left:
        lines += [
            "",
            "# Tables that were left out; they may be lookups, or rows of persons of a case joined otherwise.",
        ]
    for table in left:
        lines += ["#", *_columns(table)]
    return "\n".join(lines) + "\n"


def _look(origin: str, schema: str) -> list[LookedAt]:
    if "://" in origin:
        from adapters.sources.looking import look_at_database

        return look_at_database(origin, schema)
    from adapters.sources.looking_files import look_at_file

    return [look_at_file(Path(origin))]


def _named(table: LookedAt) -> LookedAt:
    """The table with the columns that a mapping can name; none, if it cannot name the table itself."""
    is_file = table.drops is not None
    is_named = is_file or _can_be_named(table.name, is_file)
    names = {column.name for column in table.columns if is_named and _can_be_named(column.name, is_file)}
    named = [column for column in table.columns if column.name in names]
    unnamed = [column for column in table.columns if column.name not in names]
    return replace(table, columns=named, unnamed=unnamed, key=table.key if names.issuperset(table.key) else ())


def _can_be_named(name: str, is_heading: bool) -> bool:
    """Whether a mapping reads this name as one table or column; a point would make it a table of a schema or lookup."""
    report = Report("", {}, {}, has_headings=is_heading)
    Section({}, (), report).check_name("", name)
    return not report.faults and (is_heading or "." not in name)


def _root(tables: Sequence[LookedAt]) -> LookedAt | None:
    """The table with a case number of its own in every row, and the most dates; without any such, just the dates."""
    return max((table for table in tables if table.columns), key=_likeness, default=None)


def _likeness(table: LookedAt) -> tuple[bool, bool, int, int]:
    kinds = [kind_of(column) for column in table.columns]
    number = guessing.case_number(table)
    return (
        bool(number),
        bool(number) and guessing.is_unique(table, number),
        kinds.count(guessing.DATE),
        -kinds.count(guessing.NAME),
    )


def _children(tables: Sequence[LookedAt], root: LookedAt) -> Iterator[tuple[LookedAt, str]]:
    """Every other table with a case number, and what it is called, each otherwise."""
    taken = {"case"}
    for number, table in enumerate(tables):
        if table is not root and guessing.case_number(table):
            called = table.name.lower()
            if called in taken or not _PLAIN_KEY.fullmatch(called):
                called = next(free for more in count(number) if (free := f"table{more}") not in taken)
            taken.add(called)
            yield table, called


def _head(name: str, root: LookedAt, schema: str) -> Iterator[str]:
    yield f"# A draft of the mapping {name}, made from a look at the source: every line marked # CHECK is a guess."
    yield "# Every key is described in docs/mapping.md; `caseq-adapter check` tests this file."
    yield from ("", "[adapter]", f"name = {_text(name)}")
    yield f'state = "${{CASEQ_ADAPTER_STATE:-var/adapter-{name}.db}}"'
    yield from ("", "[source]")
    if root.drops:
        yield 'inbox = "${CASEQ_ADAPTER_INBOX:-var/inbox}"  # the folder where the files are dropped'
    else:
        yield "# The URL may hold a password, so that it stands in the environment and not here."
        yield 'url = "${CASEQ_ADAPTER_SOURCE_URL}"'
        if schema:
            yield f"schema = {_text(schema)}"
    yield from ("", "[service]", 'url = "${CASEQ_ADAPTER_SERVICE_URL:-http://127.0.0.1:8000}"')
    yield from ("", "[push.sources]", 'criminal = "criminal"  # CHECK which kinds of case this system has')


def _table(table: LookedAt, called: str) -> Iterator[str]:
    number = guessing.case_number(table) or _UNKNOWN
    yield from ("", *_columns(table), f"[tables.{called}]")
    if not table.drops:
        yield f"table = {_text(table.name)}"
    key = list(table.key) or [number]
    doubt = "" if table.key else "  # CHECK what tells a row from all others"
    yield f"id = {_text(key[0] if len(key) == 1 else key)}{doubt}"
    yield f"case_number = {_text(number)}  # CHECK{' which column holds the number' if number == _UNKNOWN else ''}"
    if changed := guessing.change_column(table):
        yield f"changed = {_text(changed)}  # CHECK that every change of a row moves it"
        form = next(guessing.changed_form(column) for column in table.columns if column.name == changed)
        if form not in ("", "stamp"):
            yield f"changed_form = {_text(form)}"
    else:
        yield "# changed: no column seems to say when a row was changed; changes are found by the full read."
    if entered := guessing.entry_column(table):
        yield f"created = {_text(entered)}  # CHECK"
    yield _guard(guessing.deleted_column(table), "deleted", 'is = ["1"]', "how deleted rows are marked")
    grade = guessing.secret_column(table)
    yield _guard(grade, "secret", 'is_not = ["", "0"]', "how secret rows are marked: they never leave")
    if table.drops:
        yield from _drops(table.drops, called)


def _guard(column: str, key: str, condition: str, doubt: str) -> str:
    """The guard, left out as long as its column is not known."""
    return f"{'' if column else '# '}{key} = {{ column = {_text(column or _UNKNOWN)}, {condition} }}  # CHECK {doubt}"


def _drops(drops: Drops, called: str) -> Iterator[str]:
    yield from ("", f"[tables.{called}.drops]", f"pattern = {_text(drops.pattern)}  # CHECK")
    yield from (f"format = {_text(drops.format)}", "complete = false  # CHECK: true if a file holds every row")
    if drops.format == "csv":
        yield f"delimiter = {_text(drops.delimiter)}"
    if drops.ends_open:
        yield "ends_open = true  # CHECK: this file has no line break at its end; it may be cut off"
    if drops.header_row != 1:
        yield f"header_row = {drops.header_row}"
    if drops.record:
        yield f"record = {_text(drops.record)}"


def _columns(table: LookedAt) -> Iterator[str]:
    """The columns as comments; values only where they are codes."""
    rows = "" if table.rows is None else f", {table.rows} rows"
    yield f"# {_text(table.name)}{rows}; columns, types, how many of the rows looked at are filled:"
    for column in table.columns:
        filled = sum(map(bool, column.sample)) * 100 // max(len(column.sample), 1)
        kind = kind_of(column)
        found = guessing.codes(column) if kind == guessing.CODE else []
        hidden = guessing.hidden_codes(column) if kind == guessing.CODE else 0
        words = [*map(_text, found), *([f"{hidden} that may be names and are not shown"] if hidden else [])]
        told = f": {', '.join(words)}" if words else ""
        yield f"#   {_text(column.name)} {_text(column.type)[1:-1]}, {filled} %: {kind}{told}"
    cure = "give it another heading" if table.drops else "ask for a view"
    for column in table.unnamed:
        yield f"#   {_text(column.name)}: left out, for a mapping cannot name it; {cure}"


def _case(root: LookedAt) -> Iterator[str]:
    dates = _of_kind(root, guessing.DATE)
    entered = guessing.entry_column(root)
    yield from ("", "[case]", 'kind = "criminal"  # CHECK, or { column = "?", codes = { "?" = "criminal" } }')
    yield 'state = "open"  # CHECK'
    if dates:
        yield f"opened_on = {_text(entered or dates[0].name)}  # CHECK"
    yield "# CHECK the unit: columns, or a lookup { table, by, code, name, address, phone }."
    yield 'unit = { name = { always = "办案单位" } }'


def _milestones(table: LookedAt, called: str) -> Iterator[str]:
    told_otherwise = (guessing.change_column(table), guessing.entry_column(table))
    for column in _of_kind(table, guessing.DATE):
        if column.name not in told_otherwise and not guessing.is_birth(column):
            yield from (
                "",
                "# [[milestones]]",
                '# name = "case_filed"  # CHECK what this date is, if it is told at all',
            )
            yield from (f"# table = {_text(called)}", f"# occurred_on = {_text(column.name)}")


def _parties(table: LookedAt, called: str) -> Iterator[str]:
    names, phones = _of_kind(table, guessing.NAME), _of_kind(table, guessing.PHONE)
    for name, phone in zip(names, phones, strict=False):
        yield from ("", "# [[parties]]", f"# table = {_text(called)}", '# role = "complainant"  # CHECK')
        yield from (
            f"# name = {_text(name.name)}  # CHECK",
            f"# phone = {_text(phone.name)}  # CHECK whose phone it is",
        )


def _of_kind(table: LookedAt, kind: str) -> list[Column]:
    return [column for column in table.columns if kind_of(column) == kind]


def _text(value: str | Sequence[str]) -> str:
    """The value as TOML writes it, on one line; JSON would leave DEL as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
