"""Everything wrong in the texts of rules: the policy in force, overlays that may be adopted, drafts."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from caseq.errors import ConfigurationError, Fault
from caseq.settings.environment import Environment
from caseq.settings.inforce import FOLDER, files_in_force
from caseq.settings.load import config_folder
from caseq.settings.policyfile import PolicyFile, doubles, joined, read_policy_file
from caseq.settings.rightsfile import read_rights, without_rights
from caseq.settings.schemas import CaseqToml
from caseq.settings.tomlfile import TomlFile


def policy_faults(environ: Mapping[str, str], paths: Sequence[Path] = ()) -> list[Fault]:
    """Every fault of the policy in force and of every overlay in config/; of `paths` instead, if any are given.

    An overlay is looked at beside the policy in force, a policy beside the overlays that are adopted.
    """
    folder = config_folder(Environment(environ))
    faults: list[Fault] = []
    base, adopted = _in_force(folder, faults)
    if not paths:
        faults += _joined_faults(folder, base, adopted) if base else []
        paths = _other_overlays(folder, [file.file.path for file in (*([base] if base else []), *adopted)])
    for path in paths:
        try:
            file = read_policy_file(path)
        except ConfigurationError as error:
            faults += error.faults
            continue
        beside = _joined_faults(folder, base, [file]) if file.overlay and base else []
        faults += beside if file.overlay else _joined_faults(folder, file, adopted)
    return list(dict.fromkeys(faults))


def _in_force(folder: Path, faults: list[Fault]) -> tuple[PolicyFile | None, list[PolicyFile]]:
    try:
        main = TomlFile(folder / "caseq.toml")
        table = main.checked(CaseqToml(), main.data)["disclosure"]
        base, adopted = files_in_force(folder, main, table)
    except ConfigurationError as error:
        faults += error.faults
        return None, []
    return base, [overlay for overlay, _ in adopted]


def _joined_faults(folder: Path, base: PolicyFile, overlays: Sequence[PolicyFile]) -> list[Fault]:
    """What is wrong between these files, and between them and config/rights."""
    if faults := doubles([base, *overlays]):
        return faults
    try:
        rights = read_rights(folder / "rights")
    except ConfigurationError as error:
        return list(error.faults)
    return without_rights(folder / "rights", joined(base, [(overlay, None) for overlay in overlays]), rights)


def _other_overlays(folder: Path, known: Sequence[Path]) -> list[Path]:
    """The files that say that they are overlays, or that cannot be read at all, without the `known` ones."""
    return [path for path in sorted((folder / FOLDER).glob("*.toml")) if path not in known and _may_be_overlay(path)]


def _may_be_overlay(path: Path) -> bool:
    try:
        return bool(tomllib.loads(path.read_text(encoding="utf-8")).get("overlay"))
    except (OSError, ValueError):
        return True
