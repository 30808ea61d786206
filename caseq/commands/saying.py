"""What commands about messages have in common: who and why as options, moments and rows as lines."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from caseq.texting.overseeing import Refused

#: An id of a row.
ID = click.IntRange(1, 2**63 - 1)


def text(name: str, help_: str, longest: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that must say something, in at most so many characters; it goes into the audit."""

    def checked(_context: click.Context, _option: click.Parameter, said: str) -> str:
        said = said.strip()
        if not said or not said.isprintable():
            raise click.BadParameter("must say something, in one line")
        if len(said) > longest:
            raise click.BadParameter(f"must not be longer than {longest} characters")
        return said

    help_ = f"{help_} It goes into the audit."
    return click.option(name, required=True, metavar="TEXT", callback=checked, help=help_)


def by(command: Callable[..., None]) -> Callable[..., Any]:
    """The command with --by."""
    return text("--by", "Who does this.", 100)(command)


def audited(command: Callable[..., None]) -> Callable[..., Any]:
    """The command with --by and --reason."""
    return by(text("--reason", "Why, in a few words; no names or numbers of persons.", 200)(command))


def of_party(command: Callable[..., None]) -> Callable[..., Any]:
    """The command with CASE_NUMBER and PARTY."""
    return click.argument("case_number")(click.argument("party")(command))


def at(moment: datetime) -> str:
    """A moment, in the bureau's time."""
    from caseq.rules.case import BUREAU_TIME

    return moment.astimezone(BUREAU_TIME).isoformat(timespec="seconds")


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, datetime):
        return at(value)
    return value.isoformat() if isinstance(value, date) else value


def tell_row(values: Mapping[str, Any], as_json: bool) -> None:
    """Print one row: as a JSON object, or its values with tabs between them and "-" for what is not there."""
    said = {name: plain(value) for name, value in values.items()}
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False))
    else:
        click.echo("\t".join("-" if value is None else str(value) for value in said.values()))


def refuse(refused: "Refused") -> NoReturn:
    """Say in one line why nothing was done, and end with exit code 1."""
    click.echo(refused.why, err=True)
    sys.exit(1)
