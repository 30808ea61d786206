"""`caseq messages`: what became of messages, and what staff do to them. It shows no telephone number and no text."""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from caseq.commands import configured, persons
from caseq.commands.saying import ID, at, audited, plain, refuse, tell_row

if TYPE_CHECKING:
    from caseq.store.attempts import Attempt
    from caseq.store.message_views import Listed, Message, Wanted
    from caseq.texting.overseeing import Refused

#: As in store/outbox.py, which is not imported for --help.
STATES = ("queued", "held", "claimed", "unknown", "sent", "delivered", "failed", "dropped", "merged", "needs_human")
PURPOSES = ("resolve", "code", "news", "device", "number")
_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@click.group()
def messages() -> None:
    """What became of messages; send once more, hold back, let go; was a code delivered; staff told it themselves.

    docs/operators.md says what each state and reason means. Moments are in the bureau's time.
    """


def _span(_context: click.Context, _option: click.Parameter, given: str | None) -> timedelta | None:
    if given is None:
        return None
    if (found := _SPAN.fullmatch(given)) is None:
        raise click.BadParameter("must be a number and s, m, h or d: 90s, 30m, 2h, 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@messages.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice([*STATES, "resolved"]), help="May be repeated.")
@click.option("--purpose", "purposes", multiple=True, type=click.Choice(PURPOSES), help="May be repeated.")
@click.option("--reason", metavar="TEXT", help="How the reason begins.")
@click.option("--older-than", "age", callback=_span, metavar="SPAN", help="Created longer ago: 90s, 30m, 2h, 7d.")
@click.option("--limit", type=click.IntRange(1), help="No more than so many.")
@click.option("--all", "every", is_flag=True, help="All messages, not only what needs eyes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_messages(
    states: tuple[str, ...],
    purposes: tuple[str, ...],
    reason: str | None,
    age: timedelta | None,
    limit: int | None,
    every: bool,
    as_json: bool,
) -> None:
    """One line a message: id, purpose, state, reason, created, due, attempts, case, party, gateway.

    They come by state and purpose. Without --state and --all: what needs eyes. That is what needs a human, what failed
    in the last 7 days, what is of unknown outcome, what is overdue by 5 minutes, and what is held.
    """
    from caseq.texting import overseeing

    if states and every:
        raise click.UsageError("--state and --all exclude each other.")
    runtime = configured.runtime()
    created_before = None if age is None else runtime.clock() - age
    wanted = _wanted((*STATES, "resolved") if every else states, purposes, reason, created_before)
    for row in islice(overseeing.listed(runtime, wanted), limit):
        tell_row(_columns(row), as_json)


def _wanted(
    states: tuple[str, ...], purposes: tuple[str, ...], reason: str | None, created_before: datetime | None
) -> "Wanted":
    from caseq.store.message_views import Wanted
    from caseq.store.outbox import Purpose, State

    of_states, of_purposes = [State(name) for name in states], [Purpose(name) for name in purposes]
    return Wanted(of_states, of_purposes, reason, created_before)


def _columns(row: "Listed") -> dict[str, Any]:
    return {
        "id": row.id,
        "purpose": row.purpose,
        "state": row.state,
        "reason": row.reason,
        "created": row.created_at,
        "due": row.due_at,
        "attempts": row.attempts,
        "case_number": row.case_number,
        "party": row.party,
        "gateway": row.gateway,
    }


@messages.command()
@click.argument("number", metavar="ID", type=ID)
def show(number: int) -> None:
    """All that is known of one message, with every call of a provider; never its number, never its text."""
    from caseq.texting import overseeing

    found = overseeing.show(configured.runtime(), number)
    if found is None:
        click.echo(f"{number}: there is no such message.", err=True)
        sys.exit(1)
    _show(*found)


def _show(message: "Message", calls: "Sequence[Attempt]") -> None:
    click.echo(f"message {message.id}: {message.purpose}, {message.state}")
    click.echo(f"case: {message.case_number or '-'}\nparty: {message.party or '-'}\trole: {message.role or '-'}")
    if message.is_dead:
        click.echo("number: dead, nothing is sent there until `caseq messages works`")
    for name, value in message.facts.items():
        if value is not None:
            click.echo(f"{name}: {plain(value)}")
    for other in message.told:
        click.echo(f"told with it: {other.id}\t{other.record or '-'}\t{other.key or '-'}\t{other.milestone or '-'}")
    for call in calls:
        click.echo(f"attempt {call.id}: {call.gateway}, begun {at(call.at)}")
        click.echo(f"  outcome: {call.outcome or 'none yet'}{_when(call.ended_at)}{_of('code', call.code)}")
        if call.provider_id is not None:
            click.echo(f"  provider's id: {call.provider_id}")
        if call.status is not None:
            click.echo(f"  receipt: {call.status}{_when(call.status_at)}{_of('code', call.status_code)}")
    for task in message.tasks:
        click.echo(f"to do: task {task}")


def _when(moment: datetime | None) -> str:
    return "" if moment is None else f", {at(moment)}"


def _of(name: str, value: str | None) -> str:
    return "" if value is None else f", {name} {value}"


@messages.command()
@click.argument("numbers", metavar="ID...", type=ID, nargs=-1, required=True)
@audited
def retry(numbers: tuple[int, ...], by: str, reason: str) -> None:
    """Send these messages once more, after they failed or were given up. A code is never sent again.

    Each of them is tried by itself; exit 1 if any was refused.
    """
    from caseq.texting import overseeing

    runtime, refused = configured.runtime(), 0
    for number in numbers:
        done = overseeing.retry(runtime, number, by, reason)
        refused += not _told(done, f"{number}: queued")
    sys.exit(1 if refused else 0)


def _told(done: "Message | Refused", what: str) -> bool:
    """Whether it was done; what was, or why not, is printed."""
    from caseq.texting.overseeing import Refused

    is_done = not isinstance(done, Refused)
    click.echo(done.why if isinstance(done, Refused) else what, err=not is_done)
    return is_done


def _one_or_all(command: Callable[..., None]) -> Callable[..., Any]:
    every = click.option("--all-news", is_flag=True, help="All news instead of one message.")
    return click.argument("number", metavar="[ID]", type=ID, required=False)(every(audited(command)))


def _must_be_one(number: int | None, all_news: bool) -> None:
    if (number is None) == (not all_news):
        raise click.UsageError("Give the ID of one message, or --all-news.")


@messages.command()
@_one_or_all
def hold(number: int | None, all_news: bool, by: str, reason: str) -> None:
    """Hold one waiting message back, or all news, until they are released. What is under way ends; codes go on."""
    from caseq.texting import overseeing

    _must_be_one(number, all_news)
    runtime = configured.runtime()
    if number is not None:
        sys.exit(0 if _told(overseeing.hold(runtime, number, by, reason), f"{number}: held") else 1)
    if (refused := overseeing.stop_news(runtime, by, reason)) is not None:
        refuse(refused)
    click.echo("News are stopped.")


@messages.command()
@_one_or_all
def release(number: int | None, all_news: bool, by: str, reason: str) -> None:
    """Let one message go that staff held, or all news. It is due at once, but not in the quiet hours."""
    from caseq.texting import overseeing

    _must_be_one(number, all_news)
    runtime = configured.runtime()
    if number is not None:
        sys.exit(0 if _told(overseeing.release(runtime, number, by, reason), f"{number}: released") else 1)
    if (refused := overseeing.let_news_go(runtime, by, reason)) is not None:
        refuse(refused)
    click.echo("News go on.")


for _command in (persons.code, persons.told, persons.dead, persons.works):
    messages.add_command(_command)
