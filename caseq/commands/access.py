"""`caseq access`: who may enter a case, and what staff do to a grant or a case. It shows no names and no telephones."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from caseq.commands import configured

if TYPE_CHECKING:
    from caseq.store.grants import GrantRow


@click.group()
def access() -> None:
    """Who may enter a case, and what staff do: take a grant away, confirm who asks, widen a case, agree on a phrase."""


@access.command("list")
@click.argument("case_number")
def list_grants(case_number: str) -> None:
    """One line for each party of a case: party, role, suspect, whether it may enter today, why it is barred."""
    from caseq import granting

    found = granting.of_case(configured.runtime(), case_number)
    if not found:
        click.echo("No live case has this number, or nobody is entered in it.", err=True)
        sys.exit(1)
    _print(found)


@access.command("left-behind")
def left_behind() -> None:
    """Who is still entered in a case that was merged into another, where nothing new comes; exit 1 if anybody is."""
    from caseq import granting

    found = granting.left_behind(configured.runtime())
    _print(found)
    sys.exit(1 if found else 0)


def _signed(command: Callable[..., None]) -> Callable[..., Any]:
    for option, what in (("--reason", "Why, in a few words."), ("--by", "Who does this.")):
        command = click.option(option, required=True, metavar="TEXT", help=f"{what} It goes into the audit.")(command)
    return command


def _deed(command: Callable[..., None]) -> Callable[..., Any]:
    return click.argument("case_number")(click.argument("party")(_signed(command)))


@access.command()
@_deed
def revoke(case_number: str, party: str, by: str, reason: str) -> None:
    """Take the grant of PARTY in a case away: open sessions end with their next request, codes open nothing."""
    _do("revoke", case_number, party, by, reason)


@access.command()
@_deed
def confirm(case_number: str, party: str, by: str, reason: str) -> None:
    """Open a grant that was taken away, or that of a minor who grew up, after papers showed who asks."""
    _do("confirm", case_number, party, by, reason)


_NOT_WIDENED = {
    "no case": "No live case has this number.",
    "not narrowed": "This case is not narrowed: there is nothing to widen.",
    "has minor": "A record still tells of a minor on the suspect's side: its source has to correct that first.",
}


@access.command()
@click.argument("case_number")
@_signed
def widen(case_number: str, by: str, reason: str) -> None:
    """Let all sides read a case in full again that a minor suspect narrowed: only if the minor was a mistake.

    What is known of a minor stays sealed when the minor grows up, so no push does this.
    """
    from caseq import granting

    _must_say(by, reason)
    done = granting.widen(configured.runtime(), case_number, by.strip(), reason.strip())
    if done is not granting.Widened.DONE:
        click.echo(_NOT_WIDENED[done], err=True)
        sys.exit(1)
    click.echo(f"widen: {case_number}")


@access.command()
@_deed
def contact(case_number: str, party: str, by: str, reason: str) -> None:
    """Print how PARTY wants to be reached without being put at risk. Look here before calling anybody."""
    from caseq import granting

    _must_say(by, reason)
    said = granting.safe_contact(configured.runtime(), case_number, party, by.strip(), reason.strip())
    if said is None:
        click.echo(_NOBODY, err=True)
        sys.exit(1)
    click.echo(said or "Nothing was said about that.")


@access.command()
@click.argument("case_number")
@click.argument("party")
@click.argument("text")
@_signed
def phrase(case_number: str, party: str, text: str, by: str, reason: str) -> None:
    """Note the word TEXT that PARTY agrees on with you, by which it is told that a message is ours; "" removes it.

    It stands in every SMS to PARTY, unless others use the telephone too, and nowhere else: not in the audit either.
    """
    from caseq import granting

    _must_say(by, reason)
    done = granting.agree(configured.runtime(), case_number, party, text, by.strip(), reason.strip())
    if done in (granting.Agreed.NOBODY, granting.Agreed.UNFIT):
        click.echo(_NOBODY if done is granting.Agreed.NOBODY else _UNFIT, err=True)
        sys.exit(1)
    click.echo(f"phrase {done}: {case_number} {party}")


_UNFIT = (
    "This may not be agreed on: at most 6 Chinese characters or letters, no digits or signs, not the person's name; "
    "for somebody who gets SMS in English only the letters a to z."
)
_NOBODY = "No such party in a live case of this number; `caseq access list` shows who there is."


def _must_say(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise click.UsageError("--by and --reason must say something.")


def _do(deed: str, case_number: str, party: str, by: str, reason: str) -> None:
    from caseq import granting

    _must_say(by, reason)
    row = granting.do(configured.runtime(), granting.Deed(deed), case_number, party, by.strip(), reason.strip())
    if row is None:
        click.echo(_NOBODY, err=True)
        sys.exit(1)
    click.echo(f"{deed}: {row.case_number} {row.party} {row.role}")


def _print(rows: "Sequence[GrantRow]") -> None:
    for row in rows:
        state = "enters" if row.may_enter else row.barred or "does not enter"
        click.echo("\t".join((row.case_number, row.source, row.party, row.role, row.subject or "-", state)))
