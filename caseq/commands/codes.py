"""`caseq codes`: codes for people without a telephone, on a printed sheet or given at the counter."""

import os
import sys
from pathlib import Path
from typing import BinaryIO, NoReturn

import click

from caseq.commands import configured


@click.group()
def codes() -> None:
    """Codes on paper and at the counter, for people who cannot get an SMS."""


_BY = click.option("--by", required=True, metavar="TEXT", help="Who does this. It goes into the audit.")
_REASON = click.option("--reason", required=True, metavar="TEXT", help="Why, in a few words. It goes into the audit.")


@codes.command("print")
@click.argument("case_number")
@click.argument("party")
@_BY
@_REASON
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PDF; must not exist.")
@click.option("--language", default="zh", show_default=True, type=click.Choice(["zh", "en"]))
def print_sheet(case_number: str, party: str, by: str, reason: str, out: Path, language: str) -> None:
    """Print a sheet of ten codes for PARTY of a case. The sheet that the party had until now works no more."""
    from caseq import paper, printing
    from caseq.rules.case import bureau_date

    _said(by, reason)
    runtime = configured.runtime()
    if (state := printing.state()) != "ok":
        _refuse(f"no sheet can be printed here, so none was made: {state}")
    with _only_for_owner(out) as file:
        issued = paper.print_sheet(runtime, case_number, party, by.strip(), reason.strip())
        if isinstance(issued, paper.Failed):
            out.unlink()
            _refuse(_NOBODY)
        sheet = printing.CodeSheet(
            bureau=runtime.settings.bureau,
            public_address=runtime.settings.public_url,
            query_number=None,
            issued_on=bureau_date(issued.made_at),
            valid_until=bureau_date(issued.expires_at),
            sheet=f"{bureau_date(issued.made_at):%m%d}",
            lines=issued.lines,
            language=language,
        )
        file.write(printing.code_sheet(sheet))
    click.echo(f"{out}: {len(issued.lines)} lines, until {bureau_date(issued.expires_at)}; print it, then delete it")


@codes.command()
@click.argument("case_number")
@click.argument("party")
@_BY
@click.option("--with", "second", required=True, metavar="TEXT", help="Who saw the papers too: another person.")
@_REASON
def issue(case_number: str, party: str, by: str, second: str, reason: str) -> None:
    """Give one code to a person at the counter whose papers two members of staff have seen. It is shown only once."""
    from caseq import paper

    _said(by, second, reason)
    runtime = configured.runtime()
    issued = paper.issue_at_counter(runtime, case_number, party, by.strip(), second.strip(), reason.strip())
    if issued is paper.Failed.ONE_PERSON:
        raise click.UsageError("--by and --with must be two different people.")
    if isinstance(issued, paper.Failed):
        _refuse(_NOBODY)
    (line,) = issued.lines
    click.echo(f"{line.typed}\n{line.keypad}")
    hours = runtime.settings.login.counter_hours
    click.echo(
        f"For {issued.grant.role} of {issued.grant.case_number}; either works, once, for {hours} hours.", err=True
    )


_NOBODY = "No such party in a live case of this number; `caseq access list` shows who there is."


def _said(*texts: str) -> None:
    if not all(text.strip() for text in texts):
        raise click.UsageError("--by, --with and --reason must say something.")


def _only_for_owner(path: Path) -> BinaryIO:
    """A new file that only its owner may read: whoever reads it can log in."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        _refuse(f"{path}: {error.strerror}; nothing was made")


def _refuse(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)
