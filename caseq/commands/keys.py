"""`caseq keys`: what is sealed with which key of CASEQ_SECRET_KEY, and sealing all of it with the newest."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from caseq.commands import configured

if TYPE_CHECKING:
    from caseq.rekeying import Progress, Status
    from caseq.runtime import Runtime

_SECONDS_BETWEEN_LINES = 5.0


@click.group()
def keys() -> None:
    """The keys of what is sealed: which are in use, and how to change them while the service works."""


@keys.command("status")
def show_status() -> None:
    """How much is sealed or fingerprinted under which key; exit 1 while any but the newest is needed."""
    from caseq import rekeying

    found = rekeying.status(configured.runtime())
    names = {None: "a key that is not listed", **_names(found)}
    for key_id, name in _names(found).items():
        click.echo(f"{name}: {key_id}")
    for use in found.uses:
        is_unbound = use.key_id is None and use.cipher is None and use.column.endswith("_mac")
        under = "bound to no party or by a lost key" if is_unbound else names[use.key_id]
        click.echo("\t".join((use.column, under, use.cipher or "-", str(use.count))))
    for key_id, (count, until) in found.requests.items():
        under = names.get(key_id, names[None])
        click.echo(f"requests for a code\t{under}\tuntil {until.isoformat(timespec='seconds')}\t{count}")
    if found.old_files:
        click.echo(f"files taken before this version, whose fingerprints stay as they are\t-\t-\t{found.old_files}")
    click.echo(_verdict(found))
    sys.exit(0 if found.newest_is_enough and not found.unbound_are_good else 1)


def _names(found: "Status") -> dict[str | None, str]:
    return {key_id: f"key {n}" + (" (newest)" if n == 1 else "") for n, key_id in enumerate(found.key_ids, start=1)}


def _verdict(found: "Status") -> str:
    if found.unbound_are_good:
        return "Contacts that are bound to no party are still taken: run caseq keys rotate."
    if found.lost:
        return f"{found.lost} values are sealed with a key that is not in CASEQ_SECRET_KEY: add that key at its end."
    if found.audit_key in found.key_ids[1:]:
        return "The audit is sealed with an older key: let a worker run with the newest one for a minute."
    if not found.newest_is_enough:
        return "Older keys are needed: run caseq keys rotate, or wait until the requests for a code are over."
    return "Nothing needs a key but the newest; the others can be taken out."


@keys.command()
@click.option("--leave-lost", is_flag=True, help="Go on although something is sealed with a key that is not listed.")
def rotate(leave_lost: bool) -> None:
    """Seal everything with the newest key and the cipher of config/caseq.toml, while the service works.

    It may be killed and started again at any time. Exit 1 if something could not be sealed anew.
    """
    from caseq import logs, rekeying

    runtime = configured.runtime()
    logs.configure()
    done = rekeying.rotate(runtime, _teller(), leave_lost)
    if isinstance(done, rekeying.KeyLost):
        click.echo(
            f"{done.values} values are sealed with a key that is not in CASEQ_SECRET_KEY: list it, or leave them behind"
            " for good with --leave-lost. Nothing was done.",
            err=True,
        )
        sys.exit(1)
    for one in done:
        click.echo(f"{one.table}: {one.renewed} rows sealed anew, {one.broken} cannot be opened, {one.left} are left")
    if any(one.left for one in done):
        click.echo("Some rows were in use all the time, or a process still writes with an older key: run it again.")
    sys.exit(1 if any(one.left or one.broken for one in done) else 0)


def _teller() -> "Callable[[Progress], None]":
    """Prints a line about the progress every few seconds."""
    told_at = time.monotonic()

    def tell(progress: "Progress") -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _SECONDS_BETWEEN_LINES:
            told_at = time.monotonic()
            click.echo(f"{progress.table}: {progress.done} of {progress.of}", err=True)

    return tell


def tell_contacts(runtime: "Runtime") -> int:
    """How many contacts were edited by hand or cannot be read; a line for each, with ids only."""
    from caseq import rekeying

    found = rekeying.suspicious_contacts(runtime)
    for party_id, standing in found:
        click.echo(f"contact of party {party_id}: {standing.name.lower()}", err=True)
    click.echo(f"contacts: {len(found)} edited by hand or unreadable" if found else "contacts: ok", err=bool(found))
    return len(found)
