"""The yearly report as HTML, as tables for spreadsheets and as pictures, made of its tables in words."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from caseq.rules.proof import cell
from caseq.web import charts
from caseq.web.charts import Bar
from caseq.web.reporttext import Table

_STYLE = Path(__file__).parent / "static" / "caseq.css"
_DOCUMENT = Markup(
    '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<title>{0}</title>\n<style>{1}</style>\n'
    '</head>\n<body>\n<main class="wide page">\n<h1>{0}</h1>\n<p>{2}</p>\n{3}</main>\n</body>\n</html>\n'
)
_SECTION = Markup(
    '<section>\n<h2 id="{0}">{1}</h2>\n<p class="small">{2}{3}</p>\n{4}'
    '<div class="across" role="region" aria-labelledby="{0}" tabindex="0"><table class="figures">\n'
    "<thead><tr>{5}</tr></thead>\n<tbody>\n{6}</tbody></table></div>\n{7}</section>\n"
)
_TRACED = Markup("名下的行：<code>caseq report annual --rows {}</code>。")
_DOWNLOAD = Markup('<p><a class="alone" href="{}">下载“{}”（CSV）</a></p>\n')
_NOTHING = Markup('<tr><th scope="row" colspan="{}">没有</th></tr>\n')


def document(title: str, stand: str, tables: Sequence[Table]) -> str:
    """A whole page that needs nothing else: no script, no address of anything."""
    style = Markup(_STYLE.read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return str(_DOCUMENT.format(title, style, stand, part(tables)))


def part(tables: Sequence[Table], links: Mapping[str, str] | None = None) -> Markup:
    """Every table with its definition and its picture; `links` are where the tables can be had as CSV, by name."""
    shown = [_section(table, (links or {}).get(table.name)) for table in tables]
    return Markup("").join(shown)


def _section(table: Table, link: str | None) -> Markup:
    head = Markup("").join(_head(table, place) for place in range(len(table.columns)))
    rows = Markup("").join(map(_row, table.rows)) or _NOTHING.format(len(table.columns))
    traced = _TRACED.format(table.rows_of) if table.rows_of else ""
    download = (
        Markup('<p><a class="alone" href="{}">下载“{}”（CSV）</a></p>\n').format(link, table.title) if link else ""
    )
    picture = chart(table)
    figure = Markup("<figure>{}</figure>\n").format(picture) if picture else ""
    return _SECTION.format(table.name, table.title, table.definition, traced, figure, head, rows, download)


def _head(table: Table, place: int) -> Markup:
    is_number = bool(table.rows) and isinstance(table.rows[0][place], int)
    column = Markup('<th scope="col" class="n">{}</th>') if is_number else Markup('<th scope="col">{}</th>')
    return column.format(table.columns[place])


def _row(row: tuple[str | int, ...]) -> Markup:
    first, *others = row
    cells = [_number(value) if isinstance(value, int) else Markup("<td>{}</td>").format(value) for value in others]
    return Markup('<tr><th scope="row">{}</th>{}</tr>\n').format(first, Markup("").join(cells))


def _number(value: int) -> Markup:
    return Markup('<td class="n">{}</td>').format(f"{value:,}")


def chart(table: Table) -> Markup | None:
    """The picture of a table, None if it has none."""
    if not table.drawn or not table.rows:
        return None
    places = [table.columns.index(column) for column in table.drawn]
    drawn = [Bar(str(row[0]), [int(row[place]) for place in places]) for row in table.rows]
    return charts.bars(f"chart-{table.name}", table.title, table.drawn, drawn)


def as_csv(table: Table) -> bytes:
    """The table for a spreadsheet, which must take no cell of it for a formula."""
    out = io.StringIO()
    written = csv.writer(out)
    for row in (table.columns, *table.rows):
        written.writerow([cell(str(value)) for value in row])
    return out.getvalue().encode("utf-8-sig")


def definitions(tables: Sequence[Table]) -> Table:
    """What each of the tables counts, as a table."""
    rows = [(table.name, table.title, table.definition, table.rows_of) for table in tables]
    return Table("definitions", "各表的定义", "", ("文件", "表", "定义", "行的名称"), rows, "")
