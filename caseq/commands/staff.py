"""`caseq staff`: accounts of the bureau's people; the first administrator has no other way in."""

import sys
from typing import NoReturn

import click

from caseq.commands import configured
from caseq.commands.saying import audited, by, tell_row, text

#: As in rules/duties.py, which is not imported for --help.
ROLES = ("window_clerk", "unit", "reviewer", "secrecy_reviewer", "leader", "auditor", "administrator")


@click.group()
def staff() -> None:
    """Accounts of the bureau's people at the console, /staff: one for each person, with one role."""


@staff.command()
@click.argument("badge")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--unit", metavar="CODE", help="The code of the handling unit; without one: of the bureau itself.")
@text("--name", "The person's name, shown to colleagues only.", 100)
@by
def add(badge: str, role: str, unit: str | None, name: str, by: str) -> None:
    """Make an account for this police number and print its first password, once.

    It opens only the page on which the person adds an authenticator and chooses an own password.
    """
    from caseq import staffing
    from caseq.rules.duties import StaffRole, is_account_fit

    if not is_account_fit(badge, StaffRole(role), unit):
        raise click.UsageError(
            "A badge has 1 to 30 letters, digits or hyphens; a unit 1 to 20, and the role unit needs one."
        )
    password = staffing.hire(configured.runtime(), badge, name, StaffRole(role), unit, by)
    if password is None:
        _refuse(f"{badge} has an account, maybe a disabled one.")
    click.echo(password)


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_staff(as_json: bool) -> None:
    """One line an account: badge, name, role, unit, has an authenticator, made, disabled."""
    from caseq import staffing

    for one in staffing.listed(configured.runtime()):
        who = one.staff
        of_account = {"has_app": one.has_app, "made": one.made_at, "disabled": one.disabled_at}
        of_person = {"badge": who.badge, "name": who.name, "role": who.role.value, "unit": who.unit}
        tell_row({**of_person, **of_account}, as_json)


@staff.command()
@click.argument("badge")
@audited
def disable(badge: str, by: str, reason: str) -> None:
    """End an account and its sessions at once; it is never opened again."""
    from caseq import staffing

    if not staffing.disable(configured.runtime(), badge, by, reason):
        _refuse(f"{badge} has no account that could be disabled.")
    click.echo(f"{badge}: disabled")


@staff.command()
@click.argument("badge")
@audited
def reset(badge: str, by: str, reason: str) -> None:
    """Print a new first password, once, for somebody who lost the password or the authenticator."""
    from caseq import staffing

    password = staffing.begin_anew(configured.runtime(), badge, by, reason)
    if password is None:
        _refuse(f"{badge} has no account, or a disabled one.")
    click.echo(password)


def _refuse(why: str) -> NoReturn:
    click.echo(why, err=True)
    sys.exit(1)
