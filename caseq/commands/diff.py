"""`caseq policy diff`: what another policy opens and closes, and whose pages change. A preview: nothing is adopted."""

import csv
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caseq.commands import configured

if TYPE_CHECKING:
    from caseq.previewing import Person, Tally
    from caseq.rules.disclosure import Policy
    from caseq.rules.policydiff import Difference

_COLUMNS = ("case_number", "party", "role", "opens", "closes", "otherwise", "kind", "source", "changes")
_SECONDS_BETWEEN_LINES = 5.0
Write = Callable[["Person"], None]


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--adopt-old", multiple=True, metavar="OVERLAY", help="Add this overlay to OLD.")
@click.option("--adopt-new", multiple=True, metavar="OVERLAY", help="Add this overlay to NEW.")
@click.option("--no-people", is_flag=True, help="Compare the rules only; needs no database.")
@click.option("--list", "is_listed", is_flag=True, help="Print whose pages change.")
@click.option("--people", metavar="FILE.csv", type=click.Path(dir_okay=False, path_type=Path), help="Write them there.")
def diff(
    old: str,
    new: str,
    adopt_old: tuple[str, ...],
    adopt_new: tuple[str, ...],
    no_people: bool,
    is_listed: bool,
    people: Path | None,
) -> None:
    """What NEW opens and closes compared with OLD, and whose pages would change now.

    OLD and NEW are files, names of files in config/disclosure, or `current` for the policy in force.
    """
    from caseq.rules.policydiff import differences
    from caseq.settings.candidates import candidate, unadoptable

    if no_people and (is_listed or people):
        raise click.UsageError("--no-people goes with neither --list nor --people.")
    before, after = candidate(os.environ, old, adopt_old), candidate(os.environ, new, adopt_new)
    found = differences(before, after)
    click.echo(f"{before.name} -> {after.name}")
    for difference in found:
        click.echo(_line(difference))
    if not found:
        click.echo("没有差别 no difference in the rules")
    for fault in unadoptable(os.environ, after):
        click.echo(f"{after.name} 还不能启用 cannot be put in force yet: {fault}", err=True)
    if not no_people:
        _people(before, after, is_listed, people)


def _line(difference: "Difference") -> str:
    sign = {"opens": "+ 开放 opens", "closes": "- 关闭 closes", "changes": "~ 改动 changes"}[difference.way]
    where = f"{difference.kind} {difference.role} {difference.item}"
    what = " -> " if difference.part in ("clause", "reason") else ", "
    return f"{sign}  {where}: {difference.part} {what.join(difference.words)}  [{difference.clause}]"


def _people(before: "Policy", after: "Policy", is_listed: bool, file: Path | None) -> None:
    from caseq import previewing

    runtime = configured.runtime()
    tally = None
    with _writers(is_listed, file) as writers, _progress() as tell:
        for tally, persons in previewing.preview(runtime, before, after):
            tell(tally)
            for person in persons:
                for write in writers:
                    write(person)
    _summary(tally)


def _summary(tally: "Tally | None") -> None:
    from caseq.previewing import by_role

    if tally is None:
        click.echo("没有案件 no case is in the database")
        return
    for (kind, role), (changing, gaining, losing, text_only) in by_role(tally).items():
        views = f"{changing} 人看到的内容改变 views change, {gaining} gain, {losing} lose"
        click.echo(f"{kind} {role}: {views}; {text_only} 人只有页面说明改变 page text only")
    texts = f"{tally.text_only.total()} 人只有页面说明改变 more pages change in their text only"
    click.echo(f"{tally.changing.total()} of {tally.views} 人看到的内容改变 views change now; {texts}")
    if tally.without_number:
        click.echo(f"另有 {tally.without_number} 人没有可用的手机号 more have no usable mobile number, so no view now")


@contextmanager
def _writers(is_listed: bool, file: Path | None) -> Iterator[list[Write]]:
    """What takes each person; the file appears whole at the end, for its owner only, or not at all."""
    writers: list[Write] = [lambda person: click.echo("\t".join(_cells(person)))] if is_listed else []
    if file is None:
        yield writers
        return
    part = file.with_name(file.name + ".part")
    try:
        with open(part, "w", encoding="utf-8-sig", newline="", opener=_for_owner) as out:
            table = csv.writer(out)
            table.writerow(_COLUMNS)
            yield [*writers, lambda person: table.writerow(_cells(person))]
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _cells(person: "Person") -> tuple[str, ...]:
    changed = person.changed
    lists = (" ".join(words) for words in (changed.opens, changed.closes, changed.otherwise))
    what = "view" if changed.in_view else "page text only"
    return (person.case_number, person.party, person.role, *lists, person.kind, person.source, what)


@contextmanager
def _progress() -> Iterator[Callable[["Tally"], None]]:
    """Tells on stderr how far a preview is: one bar on a terminal, a line every few seconds elsewhere."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("案件 cases", total=None)
            yield lambda tally: bar.update(task, completed=tally.done, total=max(tally.cases, tally.done))
        return
    told: list[float] = [time.monotonic()]

    def tell(tally: Any) -> None:
        if time.monotonic() - told[0] >= _SECONDS_BETWEEN_LINES:
            told[0] = time.monotonic()
            click.echo(f"{tally.done} of {tally.cases} 案件 cases", err=True)

    yield tell
