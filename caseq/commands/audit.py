"""`caseq audit`: whether the audit is as it was written, who looked at what, and which cases are watched."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from caseq.commands import configured
from caseq.commands.saying import at, audited, tell_row

if TYPE_CHECKING:
    from caseq.chaining import Verified
    from caseq.guarding import Refused
    from caseq.rules.chain import Anchor, Broken, Fault
    from caseq.settings import Settings

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def audit() -> None:
    """Whether the audit is as it was written; who looked at what; cases whose reading is watched."""


@audit.command()
@click.option(
    "--anchors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Anchors kept elsewhere: a copy of the anchor file, or a log. Default: the anchor file of config/caseq.toml.",
)
def verify(anchors: Path | None) -> None:
    """Compute the whole chain again and hold it against its seals and the anchors; exit 1 names every broken place.

    Anchors that whoever administers the database could reach prove nothing against them: take a copy from elsewhere.
    """
    from caseq import chaining

    runtime = configured.runtime()
    known = list(_anchors(_file(runtime.settings, anchors)))
    counter = sys.stderr.isatty()

    def tell(done: int) -> None:
        if counter:
            click.echo(f"\r{done} links", nl=False, err=True)

    found = chaining.verify(runtime, known, tell)
    if counter:
        click.echo(err=True)
    _tell(found, len(known))
    if found.broken:
        sys.exit(1)


def _file(settings: "Settings", anchors: Path | None) -> Path | None:
    if anchors is not None:
        return anchors
    file = settings.audit.anchor_file
    if file.exists():
        return file
    click.echo(f"{file}: there is none; that the end was cut off, or all written anew, cannot be told", err=True)
    return None


def _anchors(file: Path | None) -> Iterator["Anchor"]:
    from caseq.rules.chain import anchor_of

    if file is None:
        return
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if (one := anchor_of(line)) is not None:
                yield one


def _tell(found: "Verified", anchors: int) -> None:
    end = f", the end is {found.last.hash}" if found.last else ""
    click.echo(f"{found.links} links{end}")
    click.echo(f"{found.anchors} of {anchors} anchors agree; {found.waiting} rows wait for their link")
    if found.seals_unknown:
        click.echo(f"{found.seals_unknown} seals are of keys that are not in CASEQ_SECRET_KEY any more")
    for one in found.broken:
        click.echo(_said(one), err=True)
    click.echo("BROKEN" if found.broken else "whole")


def _said(broken: "Broken") -> str:
    place = "" if broken.position is None else f"position {broken.position}"
    row = "" if broken.audit_id is None else f"row {broken.audit_id}"
    return f"{', '.join(part for part in (place, row) if part)}: {_faults()[broken.fault]}"


def _faults() -> dict["Fault", str]:
    from caseq.rules.chain import Fault

    return {
        Fault.CHANGED: "the row is not what was linked here, or the link was moved",
        Fault.LOST: "the row is gone",
        Fault.CUT: "the link is gone",
        Fault.FORGED: "the seal was not made with our key",
        Fault.UNSEALED: "the end is not sealed with a key that is in CASEQ_SECRET_KEY",
        Fault.ANCHORED: "an anchor says otherwise: the end was cut off, or all was written anew",
        Fault.STRANGE: "was never linked: put in by hand",
    }


@audit.command()
@audited
@click.option("--case", "case_number", default="", metavar="NUMBER", help="Of this case.")
@click.option("--badge", default="", metavar="BADGE", help="By whoever of the staff has this badge.")
@click.option("--day", type=_DAY, help="Of this day of the bureau, YYYY-MM-DD.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def show(by: str, reason: str, case_number: str, badge: str, day: object, as_json: bool) -> None:
    """Who did what, newest first: moment, act, case, party, role and badge of staff, source, facts.

    The look is in the audit itself.
    """
    from datetime import datetime

    from caseq import looking

    wanted = looking.Wanted(case_number, badge, day.date() if isinstance(day, datetime) else None)
    if wanted == looking.Wanted():
        raise click.UsageError("name a case, a badge or a day")
    found = looking.search(configured.runtime(), wanted, said=f"{by}: {reason}")
    if found is None:
        _refuse("No such case, or no account with this badge.")
    for one in found:
        names = ("at", "act", "case_number", "party", "role", "badge", "source", "facts")
        tell_row({name: getattr(one, name) for name in names}, as_json)


@audit.command()
@click.argument("case_number")
@audited
def watch(case_number: str, by: str, reason: str) -> None:
    """Make a task whenever staff of its own unit read this case: an officer of that unit is a party."""
    from caseq import guarding

    _answer(guarding.watch(configured.runtime(), case_number, by, reason), f"{case_number}: watched")


@audit.command()
@click.argument("case_number")
@audited
def unwatch(case_number: str, by: str, reason: str) -> None:
    """Watch this case no more."""
    from caseq import guarding

    _answer(guarding.unwatch(configured.runtime(), case_number, by, reason), f"{case_number}: not watched any more")


@audit.command()
def watched() -> None:
    """The cases that are watched: number, unit, since when, who entered it, why."""
    from caseq import guarding

    for one in guarding.watched_cases(configured.runtime()):
        click.echo("\t".join((one.case_number, one.unit_code or "-", at(one.since), one.by, one.reason)))


def _answer(refused: "Refused | None", done: str) -> None:
    from caseq.guarding import Refused

    if refused is not None:
        said = {
            Refused.NOBODY: "No case has this number.",
            Refused.WATCHED: "It is watched already.",
            Refused.NOT_WATCHED: "It is not watched.",
        }
        _refuse(said[refused])
    click.echo(done)


def _refuse(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)
