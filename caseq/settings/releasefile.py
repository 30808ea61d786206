"""config/release.toml: who must agree before what is released, and the grounds on which it may be withheld."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from marshmallow import Schema, fields, validate

from caseq.errors import ConfigurationError, Fault
from caseq.rules.approval import Approval, Ground, Line, Step
from caseq.rules.case import MILESTONES_IN, Kind, MilestoneName
from caseq.settings.strictfields import Day, Names
from caseq.settings.tomlfile import TomlFile

FILE = "release.toml"
#: As long as a mistake may be taken back at most: afterwards somebody is to know.
_LONGEST_UNDO_MINUTES = 120
_SAID = validate.Regexp(r"\s*\S", error="is empty")


class _LineToml(Schema):
    kinds = Names(Kind)
    milestones = Names(MilestoneName)
    chain = fields.List(fields.Enum(Step, by_value=True), required=True)


class _GroundToml(Schema):
    key = fields.String(required=True, validate=validate.Regexp(r"^[a-z_]{1,30}$", error="is no word of a-z and _"))
    text = fields.String(required=True, validate=[_SAID, validate.Length(max=100)])
    clause = fields.String(required=True, validate=[_SAID, validate.Length(max=100)])


class ReleaseToml(Schema):
    undo_minutes = fields.Integer(required=True, strict=True, validate=validate.Range(1, _LONGEST_UNDO_MINUTES))
    due_soon_working_days = fields.Integer(required=True, strict=True, validate=validate.Range(1, 20))
    at_once_before = Day(load_default=None)
    ground = fields.List(fields.Nested(_GroundToml), required=True, validate=validate.Length(min=1))
    line = fields.List(fields.Nested(_LineToml), required=True, validate=validate.Length(min=1))


def read_release(folder: Path) -> Approval:
    """The table of who agrees; ConfigurationError with everything wrong in the file."""
    file = TomlFile(folder / FILE)
    loaded = file.checked(ReleaseToml(), file.data)
    lines = tuple(Line(one["kinds"], one["milestones"], tuple(one["chain"])) for one in loaded["line"])
    grounds = tuple(Ground(**one) for one in loaded["ground"])
    if faults := [*_line_faults(file, lines), *_ground_faults(file, grounds)]:
        raise ConfigurationError(faults)
    undo = timedelta(minutes=loaded["undo_minutes"])
    return Approval(lines, grounds, undo, loaded["due_soon_working_days"], loaded["at_once_before"])


def _line_faults(file: TomlFile, lines: Sequence[Line]) -> list[Fault]:
    """What the table leaves open, what can never apply, and chains that are none."""
    faults = []
    left = {(kind, name) for kind in Kind for name in MILESTONES_IN[kind]}
    order = list(Step)
    for place, line in enumerate(lines):
        fitting = {(kind, name) for kind, name in left if line.fits(kind, name)}
        if not fitting:
            faults.append(file.fault(["line", place], "can never apply: no case has it, or lines above take it"))
        if list(line.chain) != sorted(set(line.chain), key=order.index):
            reason = f"must name each step once, in this order: {', '.join(Step)}"
            faults.append(file.fault(["line", place, "chain"], reason))
        left -= fitting
    if lines[-1].kinds is not None or lines[-1].milestones is not None:
        reason = 'is the last line: it has to fit everything, kinds and milestones ["*"]'
        faults.append(file.fault(["line", len(lines) - 1], reason))
    return faults


def _ground_faults(file: TomlFile, grounds: Sequence[Ground]) -> list[Fault]:
    keys = [ground.key for ground in grounds]
    twice = [place for place, key in enumerate(keys) if key in keys[:place]]
    return [file.fault(["ground", place, "key"], f"{keys[place]} stands above already") for place in twice]
