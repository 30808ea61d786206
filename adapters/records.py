"""What the service should hold of one case, read from its rows."""

from datetime import date
from typing import Any

from adapters.mapping import CASE_TABLE, Row, SystemMapping
from adapters.milestones import add_milestones
from adapters.parties import add_parties
from adapters.reading import CASE, CaseContext, CaseRows, Histories, Reading, iso, open_row, origin, present
from adapters.values import UnreadableError, day, decoded, filled


def read_case(mapping: SystemMapping, rows: CaseRows, histories: Histories, today: date) -> Reading:
    """The reading of one case: no records at all if it is deleted, secret, doubled or of an unknown kind."""
    reading = Reading(rows.number)
    for table in mapping.tables:
        for row in rows.tables.get(table.name, ()):
            reading.changed[origin(table, row)] = filled(row, table.changed)
    root = _open_root(mapping, rows, reading)
    if root is not None:
        try:
            context = CaseContext(mapping, rows, histories, today, decoded(root, mapping.case.kind), reading)
            _add_case(context, root)
        except UnreadableError as fault:
            reading.refuse(origin(mapping.table(CASE_TABLE), root), CASE, fault)
            return reading
        add_milestones(context)
        add_parties(context)
    return reading


def _open_root(mapping: SystemMapping, rows: CaseRows, reading: Reading) -> Row | None:
    """The one row that is this case, or None: then nothing of the case may leave."""
    table = mapping.table(CASE_TABLE)
    live = [row for row in rows.tables.get(CASE_TABLE, ()) if not (table.deleted and table.deleted.holds(row))]
    if not live or (table.secret and any(table.secret.holds(row) for row in live)):
        return None
    if len(live) > 1:
        # Parties are joined by this number: nobody can tell whose they are.
        fault = UnreadableError(table.case_number, "is the number of more than one case")
        reading.refuse(origin(table, live[0]), CASE, fault)
        return None
    return live[0]


def _add_case(context: CaseContext, root: Row) -> None:
    case, number = context.mapping.case, context.rows.number
    row = open_row(context.mapping.table(CASE_TABLE), root)
    merged_into = filled(root, case.merged_into)
    aliases = (filled(root, column) for column in case.aliases)
    data = {
        "kind": context.kind,
        "opened_on": iso(day(root, case.opened_on)),
        "unit": _unit(context),
        "aliases": [alias for alias in dict.fromkeys(aliases) if alias],
        "merged_into": merged_into if merged_into != number else None,
        "state": case.state,
    }
    context.add(CASE, number, row, filled(root, case.opened_on) or row.created, present(data))


def _unit(context: CaseContext) -> dict[str, Any] | None:
    lookup, row = context.mapping.case.unit, context.rows.unit
    if lookup is None or row is None:
        return None
    fields = ("code", "name", "address", "phone")
    return present({field: filled(row, getattr(lookup, field)) for field in fields})
