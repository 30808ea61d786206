"""`caseq policy`: what may be seen, by whom, under which clause."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caseq.commands import configured
from caseq.commands.diff import diff
from caseq.commands.explain import explain
from caseq.commands.wall import sql

if TYPE_CHECKING:
    from caseq.rules.disclosure import Policy


@click.group()
def policy() -> None:
    """What may be seen, by whom, under which clause."""


@policy.command()
@click.argument("file", required=False)
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "markdown", "html"]))
@click.option("--language", default="zh", show_default=True, type=click.Choice(["zh", "en"]), help="Of the words.")
def show(file: str | None, form: str, language: str) -> None:
    """Print the policy in force, or the rules of FILE, a path or a name in config/disclosure.

    As a table, as Markdown, or as a page that stands alone.
    """
    from caseq.web import policypage, policytext
    from caseq.web.language import words

    shown = configured.policy(file)
    if form == "table":
        _print_table(shown, language)
    elif form == "markdown":
        click.echo(policytext.markdown(shown, words(language)), nl=False)
    else:
        click.echo(policypage.document(shown, words(language)), nl=False)


def _print_table(shown: "Policy", language: str) -> None:
    """The rules as they stand in the file, one row each."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=shown.name)
    for column in ("group", "clause", "kind", "roles", "online", "item", "scope", "fields", "reason"):
        table.add_column(column, no_wrap=column not in ("clause", "roles", "fields", "reason"), overflow="fold")
    for rule in shown.rules:
        online = "yes" if rule.online else "no"
        cells = (rule.clause, rule.kind.value, " ".join(rule.roles), online, rule.item, rule.scope.value)
        table.add_row(str(rule.group), *cells, " ".join(rule.fields), rule.reason[language])
    console = Console()
    console = console if console.is_terminal else Console(width=220)
    console.print(table)
    for one in shown.adopted:
        click.echo(f"{one.overlay}: adopted by {one.by} on {one.on}: {one.reason}")


@policy.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Look for faults in the policy in force and in every overlay, or in each FILE; exit 1 if there is one."""
    from caseq.settings.policycheck import policy_faults

    faults = policy_faults(os.environ, files)
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        sys.exit(1)
    click.echo("No fault found.")


policy.add_command(sql)
policy.add_command(explain)
policy.add_command(diff)
