"""The command `caseq-adapter`: beside a case system, turns its rows into events and brings them to caseq."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NoReturn

import click

from adapters.moments import stamp_moment

if TYPE_CHECKING:
    from adapters.mapping import SystemMapping

# SQLAlchemy and requests are imported by the commands that need them, so that --help answers at once.

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
STATE = click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="State file, not the mapping's.")

#: What SQLite says when a statement of this program is wrong; all else is about the file, and for the operator.
_OURS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH})

#: So long, at most, the thread that sends waits for the one that reads, after every word with the service or the state.
_TURN_SECONDS = 0.001


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="caseq")
def main() -> None:
    """Run one adapter beside its case system."""


def _stamp(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    reason = "must be local time as YYYYMMDDHHMMSS"
    if value is not None:
        if not (value.isascii() and value.isdigit() and len(value) == 14):
            raise click.BadParameter(reason)
        try:
            stamp_moment(value).timestamp()
        except (ValueError, OverflowError) as error:
            raise click.BadParameter(reason) from error
    return value


@main.command()
@FILE
@click.option("--once", is_flag=True, help="Poll once, send everything, and end; 1 if something could not be sent.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent, masked; send and write nothing.")
@click.option("--since", callback=_stamp, help="Read again all rows changed since YYYYMMDDHHMMSS (local time).")
@STATE
def run(file: Path, once: bool, dry_run: bool, since: str | None, state: Path | None) -> None:
    """Poll the case system of FILE and push its changes until stopped."""
    from adapters import work
    from adapters.log import start_log
    from adapters.mapping_file import undecided

    start_log()
    stopped = Event()

    def stop(*_: object) -> None:
        """The second time at once: who waits for a database that says nothing loses nothing, as by kill -9."""
        if stopped.is_set():
            os._exit(1)
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with _told_plainly():
        mapping = _mapping(file)
        path = state or Path(mapping.state)
        if dry_run:
            for line in work.dry_run(mapping, path, since):
                click.echo(line)
            return
        if mapping.undecided:
            raise undecided(mapping)
        sys.setswitchinterval(_TURN_SECONDS)
        gc.freeze()  # the modules need not be looked through again at every collection
        is_done = work.run(mapping, path, since, once, stopped)
    sys.exit(0 if is_done else 1)


@main.command()
@FILE
@click.option(
    "--repair", is_flag=True, help="Mark what differs, so that the next run pushes it again; stop the adapter."
)
@click.option("--release", is_flag=True, help="Let the next run withdraw what is held; stop the adapter.")
@click.option("--quick", is_flag=True, help="Do not read the whole source to compare its records.")
@STATE
def check(file: Path, repair: bool, release: bool, quick: bool, state: Path | None) -> None:
    """Test mapping, source, keys and service of FILE, and name the records that differ; 1 if anything is wrong."""
    from adapters import inspection
    from adapters.log import start_log

    start_log()
    is_good = True
    with _told_plainly():
        mapping = _mapping(file)
        for line in inspection.inspect(
            mapping, state or Path(mapping.state), repair, release, None if quick else _tell_progress
        ):
            click.echo(line.text)
            is_good = is_good and line.is_good
    sys.exit(0 if is_good else 1)


def _tell_progress(cases: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{cases} cases compared ", err=True, nl=False)


@main.command()
@FILE
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="New or empty folder.")
@click.option("--cases", default=20, show_default=True, type=click.IntRange(1, 2000), help="At most so many cases.")
def record(file: Path, out: Path, cases: int) -> None:
    """Write a fixture: rows of some cases with invented persons, and the events that FILE makes of them."""
    from datetime import UTC, datetime

    from adapters import fixtures, work

    with _told_plainly():
        mapping = _mapping(file)
        with work.open_source(mapping, Path(mapping.state), is_preview=True) as source:
            count = fixtures.record(mapping, source, out, cases, datetime.now(UTC))
    click.echo(f"{count} cases in {out}; look through its rows before you pass them on")


@main.command()
@FILE
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def replay(file: Path, folder: Path) -> None:
    """Map the fixture in FOLDER again with FILE and show what differs; 1 if anything does."""
    from adapters import fixtures

    with _told_plainly():
        lines = fixtures.replay(_mapping(file), folder)
    for line in lines:
        click.echo(f"differs   {line}")
    click.echo(f"{len(lines)} differences")
    sys.exit(1 if lines else 0)


@main.command()
@click.argument("name")
@click.option("--from", "origin", required=True, help="SQLAlchemy URL of a database, or a csv, xlsx, xml, jsonl file.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: config/adapters/NAME.toml.")
@click.option("--schema", default="", help="Schema of the database, if its tables are not in the usual one.")
def new(name: str, origin: str, out: Path | None, schema: str) -> None:
    """Look at a case system and write a draft of its mapping, to be completed by hand; nothing is overwritten."""
    from adapters.drafting import draft

    path = out or Path("config/adapters") / f"{name}.toml"
    if path.exists():
        _refuse(f"{path} is there already: nothing was written")
    with _told_plainly():
        text = draft(name, origin, schema)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    click.echo(f"{path}: decide every line marked # CHECK, then run caseq-adapter check {path}")


def _mapping(file: Path) -> SystemMapping:
    from adapters.mapping_file import read_mapping

    return read_mapping(file, os.environ)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Ends the command with 1 and the reason for whatever an operator can mend; a fault of ours keeps its trace."""
    from adapters.sections import MappingError
    from adapters.sources.source import SourceUnavailableError, unavailable
    from adapters.sources.staging import StagingError
    from adapters.statefile import DAMAGED_ADVICE, StateFileError

    try:
        yield
    except (MappingError, StateFileError, StagingError) as error:
        _refuse(str(error))
    except SourceUnavailableError as error:
        _refuse(f"the source {unavailable(error)}")
    except BrokenPipeError:
        raise
    except OSError as error:
        _refuse(f"{error.filename or 'system'}: {error.strerror or error}")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _OURS:
            raise
        advice = f"look at its folder, rights and disk; if it is damaged {DAMAGED_ADVICE}"
        _refuse(f"the state file, or the file of rows beside it, cannot be used: {error}; {advice}")


def _refuse(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
