"""`caseq notice`: the receipt that a party is given on paper."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from caseq.commands import configured
from caseq.commands.codes import audited

_WHY = {
    "nobody": "No such party in a live case of this number; `caseq access list` shows who there is.",
    "not online": "This party may not look online (yet, or any more): tell it in another way.",
    "ask first": "Somebody to be careful with: ask the party alone whether it wants codes, then add --asked.",
    "copy": "The copy for the files has no codes.",
}


@click.group()
def notice() -> None:
    """Receipts on paper: how a party looks at its case, and what it may see."""


@notice.command("print")
@click.argument("case_number")
@click.argument("party")
@audited
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PDF; must not exist.")
@click.option("--codes", default=0, type=click.IntRange(0, 10), help="So many paper codes; those of before end.")
@click.option("--archive", is_flag=True, help="The copy for the files: marked, and never with codes.")
@click.option("--asked", is_flag=True, help="Somebody to be careful with was asked, alone, and wants codes and SMS.")
def print_(
    case_number: str, party: str, by: str, reason: str, out: Path, codes: int, archive: bool, asked: bool
) -> None:
    """Print the receipt of PARTY of a case."""
    from caseq import noticing, printing
    from caseq.web import receiptwords

    runtime = configured.runtime()
    if (state := printing.state()) != "ok":
        _refuse(f"nothing can be printed here, so nothing was made: {state}")
    try:
        file = os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        _refuse(f"{out}: {error.strerror}; nothing was made")
    with file:
        try:
            made = noticing.print_receipt(
                runtime, noticing.Order(case_number, party, codes, archive, asked), by, reason
            )
            if isinstance(made, noticing.Failed):
                _refuse(_WHY[made])
            address = receiptwords.address_of(runtime.settings, made.receipt.query_number)
            file.write(printing.receipt(receiptwords.facts(made, runtime.settings), address))
        except BaseException:
            out.unlink()
            raise
    click.echo(f"{out}: {made.hash}")


def _refuse(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)
