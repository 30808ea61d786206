"""`caseq report`: the figures of a year as a folder of files, and the rows behind each of them."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caseq.commands import configured
from caseq.commands.saying import tell_row

if TYPE_CHECKING:
    from caseq.runtime import Runtime

#: Behind the figures: the words, the page, the pictures with the tables, the PDF.
_STEPS_AFTER = ("report.html", "CSV, SVG", "report.pdf")
Tell = Callable[[str], None]


@click.group()
def report() -> None:
    """Figures of the service: totals only, and the ids of the rows behind them."""


@report.command()
@click.option("--year", required=True, type=click.IntRange(2000, 9998), help="The year at the bureau.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="A new folder for the report.")
@click.option("--rows", "name", metavar="NAME", help="Print the rows behind the figures of this name instead.")
def annual(year: int, out: Path | None, name: str | None) -> None:
    """The yearly report: report.html, report.pdf, tables/*.csv, charts/*.svg, all of it or nothing.

    With --rows one line a row: table, id, and the values it is counted by. The report names the rows of each table.
    """
    from caseq import printing, reporting

    if name is not None and name not in reporting.NAMES:
        raise click.BadParameter(f"must be one of {', '.join(reporting.NAMES)}", param_hint="--rows")
    if (out is None) is (name is None):
        raise click.UsageError("either --out or --rows")
    runtime = configured.runtime()
    if name is not None:
        for row in reporting.rows(runtime, year, name):
            tell_row({"table": row.record, "id": row.id, **row.values}, as_json=False)
    elif out is not None:
        if (state := printing.state()) != "ok":
            _refuse(f"nothing can be printed here: {state}")
        if out.exists():
            _refuse(f"{out}: is there already; nothing was made")
        _make(runtime, year, out)
        click.echo(f"{out}")


def _make(runtime: "Runtime", year: int, out: Path) -> None:
    """Write the report beside its place, and put it there when it is whole."""
    from caseq import reporting

    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        with _progress(len(reporting.NAMES) + len(_STEPS_AFTER)) as tell:
            _write(runtime, year, beside, tell)
        os.rename(beside, out)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _write(runtime: "Runtime", year: int, folder: Path, tell: Tell) -> None:
    from caseq import printing, reporting
    from caseq.web import reportpage, reporttext
    from caseq.web.reportsheet import sheet

    figures = reporting.annual(runtime, year, tell)
    tables = reporttext.tables(figures, runtime.settings.approval.grounds)
    title, stand = f"{year}年{reporttext.TITLE}", reporttext.stand(figures)
    page, tabular, printed = _STEPS_AFTER
    (folder / page).write_text(reportpage.document(title, stand, tables), encoding="utf-8")
    tell(page)
    for name in ("tables", "charts"):
        (folder / name).mkdir()
    for table in (*tables, reportpage.definitions(tables)):
        (folder / "tables" / f"{table.name}.csv").write_bytes(reportpage.as_csv(table))
        if (chart := reportpage.chart(table)) is not None:
            (folder / "charts" / f"{table.name}.svg").write_text(str(chart), encoding="utf-8")
    tell(tabular)
    (folder / printed).write_bytes(printing.report_sheet(sheet(runtime.settings.bureau, title, stand, tables)))
    tell(printed)


@contextmanager
def _progress(steps: int) -> Iterator[Tell]:
    """Tells on stderr what is done: one bar on a terminal, a line for each step elsewhere."""
    if not sys.stderr.isatty():
        yield lambda name: click.echo(f"{name}: done", err=True)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=steps)
        yield lambda name: bar.update(task, advance=1, description=name)


def _refuse(why: str) -> None:
    click.echo(why, err=True)
    sys.exit(1)
