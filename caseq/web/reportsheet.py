"""The tables of the yearly report as the sheet of templates/notices/report.typ takes them."""

from collections.abc import Sequence

from caseq.printing import ReportSheet
from caseq.settings import Bureau
from caseq.web.reportpage import chart
from caseq.web.reporttext import Table


def sheet(bureau: Bureau, title: str, stand: str, tables: Sequence[Table]) -> ReportSheet:
    """What is printed of these tables."""
    return ReportSheet(bureau, title, stand, [_facts(table) for table in tables])


def _facts(table: Table) -> dict[str, object]:
    picture = chart(table)
    numbers = [bool(table.rows) and isinstance(value, int) for value in (table.rows[0] if table.rows else ())]
    return {
        "title": table.title,
        "definition": table.definition,
        "chart": None if picture is None else str(picture),
        "columns": table.columns,
        "numbers": numbers,
        "rows": [[f"{value:,}" if isinstance(value, int) else value for value in row] for row in table.rows],
    }
