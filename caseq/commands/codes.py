"""`caseq codes`: what stands on the paper that a person is given, and codes given at the counter."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import click

from caseq.commands import configured

if TYPE_CHECKING:
    from caseq.runtime import Runtime

_NOBODY = "No such party in a live case of this number; `caseq access list` shows who there is."


@click.group()
def codes() -> None:
    """Codes and numbers on paper and at the counter, for people who cannot get an SMS."""


def _something(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("must say something")
    return text.strip()


def _who(name: str, help_: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that must say something; it goes into the audit."""
    return click.option(
        name, *names, required=True, metavar="TEXT", callback=_something, help=f"{help_} It goes into the audit."
    )


def audited(command: Callable[..., None]) -> Callable[..., Any]:
    """The command with --by and --reason, which must say something."""
    wrapped: Callable[..., Any] = _who("--by", "Who does this.")(_who("--reason", "Why, in a few words.")(command))
    return wrapped


@codes.command()
@click.argument("case_number")
@audited
def number(case_number: str, by: str, reason: str) -> None:
    """Print the query number of a case, as it stands on paper; a case without one gets one."""
    from caseq import numbering
    from caseq.rules import querynumbers

    found = numbering.query_number(configured.runtime(), case_number, by, reason)
    if found is None:
        _refuse("No live case has this number, or several are also called so.")
    click.echo(querynumbers.printed(found))


@codes.command("print")
@click.argument("case_number")
@click.argument("party")
@audited
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PDF; must not exist.")
@click.option("--language", default="zh", show_default=True, type=click.Choice(["zh", "en"]))
def print_sheet(case_number: str, party: str, by: str, reason: str, out: Path, language: str) -> None:
    """Print a sheet of ten codes for PARTY of a case. The sheet that the party had until now works no more."""
    from caseq import printing

    runtime = configured.runtime()
    if (state := printing.state()) != "ok":
        _refuse(f"no sheet can be printed here, so none was made: {state}")
    with _only_for_owner(out) as file:
        try:
            file.write(_sheet(runtime, case_number, party, by, reason, language))
        except BaseException:
            out.unlink()
            raise
    click.echo(f"{out}: print it, hand it over, then delete it")


def _sheet(runtime: "Runtime", case_number: str, party: str, by: str, reason: str, language: str) -> bytes:
    from caseq import numbering, paper, printing
    from caseq.rules.case import bureau_date

    issued = paper.print_sheet(runtime, case_number, party, by, reason)
    if isinstance(issued, paper.Failed):
        _refuse(_NOBODY)
    sheet = printing.CodeSheet(
        bureau=runtime.settings.bureau,
        public_address=runtime.settings.public_url,
        query_number=numbering.query_number(runtime, issued.grant.case_number, by, reason),
        issued_on=bureau_date(issued.made_at),
        valid_until=bureau_date(issued.expires_at),
        sheet=issued.letter,
        lines=issued.lines,
        language=language,
    )
    return printing.code_sheet(sheet)


@codes.command()
@click.argument("case_number")
@click.argument("party")
@audited
@_who("--with", "Who saw the papers too: another person.", "second")
def issue(case_number: str, party: str, by: str, second: str, reason: str) -> None:
    """Give one code to a person at the counter whose papers two members of staff have seen. It is shown only once."""
    from caseq import paper

    runtime = configured.runtime()
    issued = paper.issue_at_counter(runtime, case_number, party, by, second, reason)
    if issued is paper.Failed.ONE_PERSON:
        raise click.UsageError("--by and --with must be two different people.")
    if isinstance(issued, paper.Failed):
        _refuse(_NOBODY)
    (line,) = issued.lines
    click.echo(f"{line.typed}\n{line.keypad}")
    hours = runtime.settings.login.counter_hours
    click.echo(f"Either works, once, for {hours} hours; for {issued.grant.role} of this case.", err=True)


def _only_for_owner(path: Path) -> BinaryIO:
    """A new file that only its owner may read: whoever reads it can log in."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        _refuse(f"{path}: {error.strerror}; nothing was made")


def _refuse(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)
