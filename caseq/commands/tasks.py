"""`caseq tasks`: what somebody has to do by hand, because the machine cannot."""

from typing import TYPE_CHECKING, Any

import click

from caseq.commands import configured
from caseq.commands.saying import ID, by, refuse, tell_row, text

if TYPE_CHECKING:
    from caseq.store.tasks import Task


@click.group()
def tasks() -> None:
    """What somebody has to do by hand: call a person, tell a person first, look at a message."""


@tasks.command("list")
@click.option("--unit", metavar="CODE", help="Only what the handling unit with this code has to do.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_tasks(unit: str | None, as_json: bool) -> None:
    """One line a task, by unit, what is due first in front; no names and no telephone numbers.

    Unit's code and name, id, kind (call, tell, look), due, made, reason, case, party, role, milestone, message. Before
    anybody is called: `caseq access contact`.
    """
    from caseq.texting import overseeing

    for task in overseeing.to_do(configured.runtime(), unit):
        tell_row(_columns(task), as_json)


def _columns(task: "Task") -> dict[str, Any]:
    return {
        "unit_code": task.unit_code,
        "unit": task.unit_name,
        "id": task.id,
        "kind": task.kind,
        "due": task.due_at,
        "made": task.made_at,
        "reason": task.reason,
        "case_number": task.case_number,
        "party": task.party,
        "role": task.role,
        "milestone": task.milestone,
        "message": task.message_id,
    }


@tasks.command()
@click.argument("number", metavar="ID", type=ID)
@by
@text("--note", "What was done, in a few words; no names or numbers of persons.", 400)
def done(number: int, by: str, note: str) -> None:
    """Say that a task was done. A message that needed a human for it counts as failed from then on, and rests.

    That a person was told of a milestone is recorded with `caseq messages told`, which ends the task too.
    """
    from caseq.texting import overseeing

    finished = overseeing.finish(configured.runtime(), number, by, note)
    if isinstance(finished, overseeing.Refused):
        refuse(finished)
    click.echo(f"{number}: done")
    if finished.kind == "tell":
        click.echo("If the person was told, record it with caseq messages told: its SMS still goes out.", err=True)
