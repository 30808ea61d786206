"""What the service should hold of one case, read from its rows."""

from datetime import date
from typing import Any

from adapters.mapping import CASE_TABLE, Row, SystemMapping
from adapters.milestones import add_milestones
from adapters.moments import stamp
from adapters.parties import add_parties
from adapters.reading import (
    CASE,
    ROW,
    CaseContext,
    CaseRows,
    Histories,
    Reading,
    changed_at,
    iso,
    open_row,
    origin,
    present,
)
from adapters.values import (
    UnreadableError,
    all_hold,
    any_holds,
    day_of,
    filled,
    in_one_line,
    is_closed,
    phone_of,
    required,
    text_of,
)


def read_case(mapping: SystemMapping, rows: CaseRows, histories: Histories, today: date) -> Reading:
    """The reading of one case: no records at all if it is deleted, secret, doubled or of an unknown kind."""
    reading = Reading(rows.number)
    for table in mapping.tables:
        for row in rows.tables.get(table.name, ()):
            reading.changed[origin(table, row)] = changed_at(mapping, table, row)
    try:
        root = _open_root(mapping, rows, reading)
    except UnreadableError as fault:
        # Whether it is secret or deleted cannot be told, so nothing of it leaves.
        reading.refuse(origin(mapping.table(CASE_TABLE), rows.tables[CASE_TABLE][0]), CASE, fault)
        return reading
    if root is not None:
        try:
            kind = required(root, mapping.case.kind)
            if not kind:
                return reading
            context = CaseContext(mapping, rows, histories, today, kind, reading)
            _add_case(context, root)
        except UnreadableError as fault:
            reading.refuse(origin(mapping.table(CASE_TABLE), root), CASE, fault)
            return reading
        add_milestones(context)
        add_parties(context)
    return reading


def _open_root(mapping: SystemMapping, rows: CaseRows, reading: Reading) -> Row | None:
    """The one row that is this case, or None: then nothing of the case may leave.

    UnreadableError if a guard of it cannot be told.
    """
    table = mapping.table(CASE_TABLE)
    if not rows.tables.get(CASE_TABLE):
        _refuse_orphans(mapping, rows, reading)
    live = [row for row in rows.tables.get(CASE_TABLE, ()) if not any_holds(table.deleted, row)]
    if not live or any(any_holds(table.secret, row) for row in live):
        return None
    if len(live) > 1:
        # Parties are joined by this number: nobody can tell whose they are.
        fault = UnreadableError(table.case_number, "is the number of more than one case")
        reading.refuse(origin(table, live[0]), CASE, fault)
        return None
    return live[0]


def _refuse_orphans(mapping: SystemMapping, rows: CaseRows, reading: Reading) -> None:
    """Refuses every row that gives the number of a case that the case system does not have."""
    reason = f"points to no row of {mapping.table(CASE_TABLE).table}"
    for table in mapping.tables:
        for row in rows.tables.get(table.name, ()) if table.case_number else ():
            if is_closed(table.deleted, row):
                continue
            reading.refuse(origin(table, row), ROW, UnreadableError(table.case_number, reason))


def _add_case(context: CaseContext, root: Row) -> None:
    case, number, zone = context.mapping.case, context.rows.number, context.zone
    row = open_row(context.mapping, context.mapping.table(CASE_TABLE), root)
    merged_into = text_of(root, case.merged_into)
    aliases = (in_one_line(filled(root, column)) for column in case.aliases)
    data = {
        "kind": context.kind,
        "opened_on": iso(day_of(root, case.opened_on, zone)),
        "unit": _unit(context, root),
        # What holds no digit, such as 无, is no number by which anybody could look the case up.
        "aliases": [alias for alias in dict.fromkeys(aliases) if any(map(str.isdigit, alias))],
        "merged_into": merged_into if merged_into != number else None,
        "state": required(root, case.state),
        "concluded_on": iso(day_of(root, case.concluded_on, zone)),
        "transferred_to": _transferred_to(context, root),
        "juvenile": case.juvenile is not None and all_hold(case.juvenile, root),
        "trade": text_of(root, case.trade),
    }
    context.add(CASE, number, row, stamp(text_of(root, case.opened_on), zone) or row.created, present(data))


def _unit(context: CaseContext, root: Row) -> dict[str, Any]:
    unit = context.mapping.case.unit
    try:
        text_of(root, unit.name)
    except UnreadableError:
        # The service refuses a case without the name of its unit, and keeps what it has; refused here, a case that is
        # public would be withdrawn because a unit's row went.
        return {}
    values = {name: text_of(root, getattr(unit, name)) for name in ("code", "name", "address", "phone")}
    return present(values)


def _transferred_to(context: CaseContext, root: Row) -> dict[str, Any] | None:
    transfer = context.mapping.case.transferred_to
    if transfer is None or not text_of(root, transfer.name):
        return None
    on = day_of(root, transfer.on, context.zone)
    return present({"name": text_of(root, transfer.name), "phone": phone_of(root, transfer.phone), "on": iso(on)})
