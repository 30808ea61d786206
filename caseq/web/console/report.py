"""The figures of a year at the console: the same tables as `caseq report annual`, to read and to take along."""

from collections.abc import Sequence

from flask import Blueprint, Response, abort, make_response, request, url_for

from caseq import printing, reporting
from caseq.errors import CannotPrint
from caseq.rules.annual import Annual
from caseq.rules.case import bureau_date
from caseq.web import reportpage, reporttext
from caseq.web.console import gate
from caseq.web.current import runtime
from caseq.web.kept import kept
from caseq.web.reportsheet import sheet
from caseq.web.reporttext import Table

blueprint = Blueprint("report", __name__, url_prefix=f"{gate.PREFIX}/report")


@blueprint.get("")
def report() -> Response:
    """The report of a year, this one if none is asked for."""
    parts = runtime()
    year = request.args.get("year", bureau_date(parts.clock()).year, type=int)
    figures, tables = _made(year)
    links = {table.name: url_for("report.table", year=year, name=table.name) for table in tables}
    return gate.show(
        "report",
        year=year,
        years=reporting.years(parts),
        stand=reporttext.stand(figures),
        part=reportpage.part(tables, links),
    )


@blueprint.get("/<int:year>/<name>.csv")
def table(year: int, name: str) -> Response:
    """One table of the report, for a spreadsheet."""
    _, tables = _made(year)
    found = next((one for one in tables if one.name == name), None)
    if found is None:
        abort(404)
    return _file(reportpage.as_csv(found), "text/csv; charset=utf-8", f"{year}-{name}.csv")


@blueprint.get("/<int:year>.pdf")
def pdf(year: int) -> Response:
    """The report on paper."""
    figures, tables = _made(year)
    title, bureau = f"{year}年{reporttext.TITLE}", runtime().settings.bureau
    try:
        made = printing.report_sheet(sheet(bureau, title, reporttext.stand(figures), tables))
    except CannotPrint:
        abort(503)
    return _file(made, "application/pdf", f"{year}-report.pdf")


def _made(year: int) -> tuple[Annual, Sequence[Table]]:
    """The figures of the year and its tables; what was made some minutes ago is good enough."""
    parts = runtime()
    if year not in reporting.years(parts):
        abort(404)
    figures = kept(("report", year), lambda: reporting.annual(parts, year))
    return figures, reporttext.tables(figures, parts.settings.approval.grounds)


def _file(content: bytes, media_type: str, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = media_type
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
