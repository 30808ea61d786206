"""`caseq messages code|told|dead|works`: the messages of one person. No telephone number, no name, no code is shown."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from caseq.commands import configured
from caseq.commands.saying import at, audited, by, of_party, refuse

if TYPE_CHECKING:
    from caseq.store.attempts import Attempt
    from caseq.store.requests import Request
    from caseq.texting.inquiring import Codes, Sent

#: As in store/tellings.py, which is not imported for --help.
CHANNELS = ("in person", "telephone", "paper")


def _moment(_context: click.Context, _argument: click.Parameter, given: str) -> datetime:
    from caseq.rules.case import BUREAU_TIME

    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise click.BadParameter("must be like 2026-11-23T14:05; without a zone it is the bureau's time") from None
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=BUREAU_TIME)


@click.command()
@of_party
@audited
def code(case_number: str, party: str, by: str, reason: str) -> None:
    """Was this person's code delivered? What became of each code of the last 72 hours, in plain words.

    Also whether the number is dead, whether requests got no code, and whether the limits are reached. Requests are kept
    for about two days, and only those with the number of PARTY are told of.
    """
    from caseq.texting import inquiring
    from caseq.texting.overseeing import Refused

    found = inquiring.codes(configured.runtime(), case_number, party, by, reason)
    if isinstance(found, Refused):
        refuse(found)
    if not found.sent and not found.unanswered:
        click.echo("Nothing was asked for with the number of this party.")
    for sent in found.sent:
        _tell_code(sent)
    for asked in found.unanswered:
        click.echo(f"{at(asked.asked_at)}\trequest\t{_unanswered(asked)}")
    _tell_state(found)


def _tell_code(sent: "Sent") -> None:
    words = {
        "queued": "waits to be sent",
        "held": "is held",
        "claimed": "is being sent",
        "unknown": "may have been sent; the provider is being asked",
        "sent": "was sent; the provider has not said whether it arrived",
        "delivered": "ARRIVED, says the provider",
        "failed": "DID NOT ARRIVE",
        "dropped": "was not sent",
        "needs_human": "was given up; nobody knows whether it arrived",
    }
    why = f" ({sent.reason})" if sent.reason else ""
    click.echo(f"{at(sent.asked_at)}\tcode {sent.message_id}\t{words.get(sent.state, sent.state)}{why}")
    for call in sent.attempts:
        click.echo(f"\t{call.gateway}\t{_said(call)}")


def _said(call: "Attempt") -> str:
    """What the provider said of a call last, and when."""
    if call.status is not None and call.status_at is not None:
        words = {"delivered": "it arrived", "failed": "it did not arrive"}
        code = f" (code {call.status_code})" if call.status_code else ""
        return f"{words.get(call.status, 'it is on its way')}{code}, said {at(call.status_at)}"
    words = {
        "accepted": "it took the message",
        "rejected": "it refused the message for good",
        "later": "it could not take the message then",
        "account": "it refused our account",
        "unknown": "it gave no answer that could be understood",
        "not found": "it did not have the message when it was asked",
    }
    if call.outcome is None:
        return f"it was called at {at(call.at)}; no answer yet"
    code = f" (code {call.code})" if call.code else ""
    return f"{words[call.outcome]}{code}, {at(call.ended_at or call.at)}"


def _unanswered(asked: "Request") -> str:
    if asked.is_resolved:
        return "no code was made: a limit, or the pause after the last code"
    until = (
        "" if asked.looked_at is None or asked.looked_at <= asked.asked_at else f", not before {at(asked.looked_at)}"
    )
    return f"waits for a worker{until}"


def _tell_state(found: "Codes") -> None:
    if found.why_not is not None:
        click.echo(found.why_not)
    whose = ("a browser that is not known", "a browser that logged in before")
    for limit, who in zip(found.limits, whose, strict=True):
        if limit is not None:
            click.echo(f"A request from {who} gets no code now: limit {limit}, [codes] in config/caseq.toml.")
    if any(asked.is_resolved for asked in found.unanswered):
        click.echo(f"The log has code_withheld with party={found.party_id}, and why.")


@click.command()
@of_party
@click.argument("milestone")
@click.option("--channel", required=True, type=click.Choice(CHANNELS), help="How it was told.")
@click.option("--at", "moment", required=True, callback=_moment, metavar="MOMENT", help="When: 2026-11-23T14:05.")
@by
def told(case_number: str, party: str, milestone: str, channel: str, moment: datetime, by: str) -> None:
    """Record that staff told PARTY of MILESTONE (its key; or its name, if the case has one such).

    What waits to be sent about it ends, and the task to tell it is done. A milestone that the person may not see, or
    that was changed after that moment, is refused.
    """
    from caseq.store.tellings import By
    from caseq.texting import persons
    from caseq.texting.overseeing import Refused

    runtime = configured.runtime()
    done = persons.told(runtime, case_number, party, milestone, By(channel), moment, by)
    if isinstance(done, Refused):
        refuse(done)
    task = "; the task is done" if done.task_done else ""
    click.echo(f"told: {done.milestone}; messages that ended: {done.ended}{task}")


@click.command()
@of_party
@audited
def dead(case_number: str, party: str, by: str, reason: str) -> None:
    """The number of PARTY is wrong, or a stranger's now: nothing is sent there any more, and somebody calls PARTY.

    That holds for everybody who stands with this number. The right number comes from the case system.
    """
    from caseq.texting import persons
    from caseq.texting.overseeing import Refused

    done = persons.dead(configured.runtime(), case_number, party, by, reason)
    if isinstance(done, Refused):
        refuse(done)
    click.echo(f"Nothing is sent to this number any more. Parties that stand with it: {done}.")


@click.command()
@of_party
@audited
def works(case_number: str, party: str, by: str, reason: str) -> None:
    """Messages go to the number of PARTY again. What was dropped in between is not sent any more: call about that."""
    from caseq.texting import persons

    refused = persons.works(configured.runtime(), case_number, party, by, reason)
    if refused is not None:
        refuse(refused)
    click.echo("Messages go to this number again.")
    sys.exit(0)
