"""`caseq proof`: how a party was told, as a file or on paper, and whether such a file or paper is ours."""

import csv
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import click

from caseq.commands import configured
from caseq.commands.codes import audited

if TYPE_CHECKING:
    from caseq.proving import Proof
    from caseq.runtime import Runtime
    from caseq.store.notices import Proven

_NOBODY = "No such party in a case that has or had this number; `caseq access list` shows who there is."
#: The columns of the table, with the parts of a line that stand in them.
_COLUMNS = {
    "条": "n",
    "事项": "title",
    "日期": "day",
    "文号": "number",
    "形成": "formed",
    "告知期限": "limit",
    "说明": "notes",
    "公开": "released",
    "怎样告知": "ways",
    "结果": "result",
    "最早": "first",
}


@click.group()
def proof() -> None:
    """How and when a party was told of what it may see; whether a printed proof is ours; what is overdue."""


@proof.command()
@click.argument("case_number")
@click.argument("party")
@audited
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="FILE.json or FILE.csv.")
def export(case_number: str, party: str, by: str, reason: str, out: Path) -> None:
    """Write the proof of PARTY of a case to a new file that only its owner may read."""
    from caseq.rules.proof import canonical

    form = out.suffix.lower().removeprefix(".")
    if form not in ("json", "csv"):
        raise click.BadParameter("must end in .json or .csv", param_hint="--out")
    runtime = configured.runtime()
    with _new(out) as file:
        made = _made(runtime, case_number, party, by, reason)
        _write(runtime, file, made, form, canonical(made.document) if form == "json" else _csv(made), by, reason)
    click.echo(f"{out}: {made.hash}")


@proof.command("print")
@click.argument("case_number")
@click.argument("party")
@audited
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PDF; must not exist.")
def print_(case_number: str, party: str, by: str, reason: str, out: Path) -> None:
    """Print the proof of PARTY of a case as PDF, with its hash and how to have it confirmed."""
    from caseq import printing

    runtime = configured.runtime()
    if (state := printing.state()) != "ok":
        _refuse(f"nothing can be printed here: {state}")
    with _new(out) as file:
        made = _made(runtime, case_number, party, by, reason)
        _write(runtime, file, made, "pdf", _pdf(runtime, made, by, reason), by, reason)
    click.echo(f"{out}: {made.hash}")


@proof.command()
@click.argument("hash_or_file")
def verify(hash_or_file: str) -> None:
    """Say when, by whom and for which case a proof with this hash, or this very file, was made; exit 1 if none was."""
    from caseq import proving
    from caseq.rules.proof import typed_hash

    runtime = configured.runtime()
    asked, path = typed_hash(hash_or_file), Path(hash_or_file)
    hashes: Sequence[str] = [asked] if asked else proving.hashes_of(path.read_bytes()) if path.is_file() else ()
    if not hashes:
        _refuse("Neither a hash of 64 hex digits nor a file.")
    found = [row for one in hashes for row in proving.verify(runtime, one)]
    if not found:
        _refuse("No proof with this hash was made here, or something in it was changed.")
    for row in dict.fromkeys((one.at, _proven(one)) for one in found):
        click.echo(row[1])


@proof.command()
@click.option("--unit", metavar="CODE", help="Only cases that the unit of this code handles.")
def overdue(unit: str | None) -> None:
    """What nobody has told in time, or has to tell by the end of the next working day."""
    from caseq import proving
    from caseq.rules.proof import moment
    from caseq.web.language import words
    from caseq.web.told import line, plain

    click.echo("\t".join(("unit", "case", "party", "role", "milestone", "formed", "limit ends", "state", "why")))
    for one in proving.overdue(configured.runtime(), unit):
        due, said = one.notice.due, plain(line(1, one.notice, words("zh")))
        end = f"{due.on}{' provisional' if due.is_provisional else ''}"
        whose = (one.of.unit_code or "-", one.of.case_number, one.of.party, one.of.reader.role.value)
        why = "；".join(said["ways"])
        what = (one.notice.showing.name, str(moment(one.notice.showing.formed_at)), end, one.notice.verdict.value, why)
        click.echo("\t".join((*whose, *what)))


def _made(runtime: "Runtime", case_number: str, party: str, by: str, reason: str) -> "Proof":
    from caseq import proving

    made = proving.proof(runtime, case_number, party, by, reason)
    if made is None:
        _refuse(_NOBODY)
    return made


def _write(runtime: "Runtime", file: BinaryIO, made: "Proof", form: str, content: bytes, by: str, reason: str) -> None:
    """Let the file out after the audit knows it."""
    from caseq import proving

    proving.note_file(runtime, made, form, content, by, reason)
    file.write(content)


class _new:  # noqa: N801 - used as a function
    """A new file that only its owner may read; it is gone again if nothing came of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> BinaryIO:
        try:
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            _refuse(f"{self._path}: {error.strerror}; nothing was made")
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if kind is not None:
            self._path.unlink()


def _lines(made: "Proof") -> list[Mapping[str, Any]]:
    from caseq.web.language import words
    from caseq.web.told import line, plain

    return [plain(line(n, one, words("zh"), for_bureau=True)) for n, one in enumerate(made.notices, start=1)]


def _csv(made: "Proof") -> bytes:
    """The lines as a table for a spreadsheet, which must take no cell of it for a formula."""
    from caseq.rules.proof import cell, grouped

    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    for one in _lines(made):
        values = [one[name] for name in _COLUMNS.values()]
        table.writerow([cell("；".join(value) if isinstance(value, list) else str(value or "")) for value in values])
    table.writerow(["校验码", grouped(made.hash)])
    return out.getvalue().encode("utf-8-sig")


def _pdf(runtime: "Runtime", made: "Proof", by: str, reason: str) -> bytes:
    from caseq import printing
    from caseq.rules.proof import grouped
    from caseq.web.language import words
    from caseq.web.told import at
    from caseq.web.wording import role_word

    zh, head = words("zh"), made.head
    sheet = printing.ProofSheet(
        bureau=runtime.settings.bureau,
        case=head.case_number,
        role=str(zh.say(role_word(head.kind, head.role))),
        party=head.party or "",
        made=at(head.made_at, zh),
        by=by,
        reason=reason,
        policy=head.policy,
        lines=_lines(made),
        hash=grouped(made.hash),
        qr=made.hash,
    )
    return printing.proof_sheet(sheet)


def _proven(row: "Proven") -> str:
    from caseq.rules.proof import moment

    facts = row.facts
    said = (str(moment(row.at)), row.case_number or "-", row.party or "-", str(facts.get("by")))
    return "\t".join((*said, str(facts.get("reason", "-")), str(facts.get("form", "document"))))


def _refuse(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)
