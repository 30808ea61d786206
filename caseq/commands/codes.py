"""`caseq codes`: what stands on the paper that a person is given."""

import sys
from collections.abc import Callable
from typing import Any

import click

from caseq.commands import configured


@click.group()
def codes() -> None:
    """What stands on the paper that a person is given."""


def audited(command: Callable[..., None]) -> Callable[..., Any]:
    """The command with --by and --reason, which must say something."""
    for option, what in (("--reason", "Why, in a few words."), ("--by", "Who does this.")):
        said = click.option(
            option, required=True, metavar="TEXT", callback=_something, help=f"{what} It goes into the audit."
        )
        command = said(command)
    return command


def _something(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("must say something")
    return text.strip()


@codes.command()
@click.argument("case_number")
@audited
def number(case_number: str, by: str, reason: str) -> None:
    """Print the query number of a case, as it stands on paper; a case without one gets one."""
    from caseq import numbering
    from caseq.rules import querynumbers

    found = numbering.query_number(configured.runtime(), case_number, by, reason)
    if found is None:
        click.echo("No live case has this number, or several are also called so.", err=True)
        sys.exit(1)
    click.echo(querynumbers.printed(found))
