"""`caseq bench`: measure the service against reference programs and print the ratios."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from bench import adapting, databases, dataset, machine, process, pushing, status, texting, walled
from bench.databases import Place
from bench.dataset import Reader
from bench.effort import Effort, effort
from bench.results import Results
from caseq import logs
from caseq.runtime import Runtime

NAMES = ("http", "inprocess", "push", "outbox", "adapter", "process")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--engine", type=click.Choice(["sqlite", "postgresql", "both"]), default="both", show_default=True)
@click.option("--quick", is_flag=True, help="Less of everything, under a minute: shows that it runs, not how fast.")
@click.option("--full", is_flag=True, help="Also 200,000 pushed events, and adapters of 100,000 and 1,000,000 rows.")
@click.option("--cases", type=click.IntRange(40, 1_000_000), help="How many cases are stored.  [default: 2000]")
@click.option("--adapter-rows", type=click.IntRange(100, 5_000_000), help="How many rows an adapter reads.")
@click.option("--only", type=click.Choice(NAMES), help="Only this comparison.")
@click.option("--postgres-url", envvar="CASEQ_TEST_POSTGRES_URL", default=databases.DEFAULT_POSTGRES_URL)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write every value to this file.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
def main(
    engine: str,
    quick: bool,
    full: bool,
    cases: int | None,
    adapter_rows: int | None,
    only: str | None,
    postgres_url: str,
    json_file: Path | None,
    markdown: bool,
) -> None:
    """Measure the service side by side with reference programs, on made-up cases in databases of its own."""
    version = databases.postgres_version(postgres_url)
    wanted = [name for name in databases.ENGINES if engine in (name, "both")]
    if "postgresql" in wanted and version is None:
        if engine == "postgresql":
            raise click.UsageError("no PostgreSQL server answers at --postgres-url")
        wanted.remove("postgresql")
        click.echo("no PostgreSQL server answers at --postgres-url: SQLite only", err=True)
    results = Results(machine.name(), machine.programs(version))
    with tempfile.TemporaryDirectory(prefix="caseq-bench-") as folder, _logging_to(Path(folder) / "service.log"):
        size = effort(quick, full, cases, adapter_rows)
        for name in wanted:
            if only not in ("adapter", "process"):
                _measure(name, postgres_url, size, only, Path(folder), results)
        if only in (None, "adapter"):
            _say("adapter")
            rounds = 1 if quick else 3
            results.add(adapting.compare(wanted, postgres_url, size.adapter_rows, rounds, Path(folder)))
        if only in (None, "process"):
            _say("process")
            results.add(process.still(Path(folder), 3 if quick else 5))
    if json_file:
        json_file.write_text(json.dumps(results.as_json(), ensure_ascii=False, indent=2) + "\n")
    if markdown:
        click.echo(results.markdown())
    else:
        console = Console()
        (console if console.is_terminal else Console(width=200)).print(results.table())


def _measure(engine: str, postgres: str, size: Effort, only: str | None, folder: Path, results: Results) -> None:
    """All comparisons that need a database of this engine."""
    own = folder / engine
    own.mkdir()
    with databases.made(engine, postgres, own) as place, _filled(place, size) as (parts, readers):
        if only in (None, "inprocess"):
            _say(f"{engine}: in process")
            results.add(status.in_process(place, parts, readers, size))
            results.add(walled.compare(place, parts, readers, size))
        if only in (None, "http"):
            _say(f"{engine}: over HTTP")
            results.add(status.over_http(place, readers, size, own))
        if only in (None, "push"):
            _say(f"{engine}: push")
            results.add(pushing.compare(place, parts, size, own))
        if only in (None, "outbox"):
            _say(f"{engine}: outbox")
            results.add(texting.compare(place, parts, size))


@contextlib.contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Log lines go to a file as they would in earnest: one for the whole run, because loggers remember it."""
    with path.open("w") as log, contextlib.redirect_stderr(log):
        logs.configure()
        yield


@contextlib.contextmanager
def _filled(place: Place, size: Effort) -> Iterator[tuple[Runtime, list[Reader]]]:
    """A runtime on this database, filled, with sessions."""
    _say(f"{place.engine}: storing {size.cases} cases")
    parts = dataset.runtime(place.url)
    dataset.fill(parts, size.cases)
    try:
        yield parts, dataset.readers(parts, size.readers)
    finally:
        parts.database.close()


def _say(what: str) -> None:
    print(f"… {what}", file=sys.__stderr__, flush=True)


if __name__ == "__main__":
    main()
