"""Policies that are not in force, to be compared with the one that is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from caseq.errors import ConfigurationError, Fault
from caseq.rules.disclosure import Policy
from caseq.settings.environment import Environment
from caseq.settings.inforce import FOLDER, files_in_force
from caseq.settings.load import config_folder
from caseq.settings.policyfile import PolicyFile, doubles, joined, read_policy, read_policy_file
from caseq.settings.rightsfile import read_rights, without_rights
from caseq.settings.schemas import CaseqToml
from caseq.settings.tomlfile import TomlFile

CURRENT = "current"
RIGHTS_FOLDER = "rights"


def candidate(environ: Mapping[str, str], wanted: str, overlays: Sequence[str] = ()) -> Policy:
    """The policy called `wanted` with these overlays, as if they were adopted; ConfigurationError with its faults.

    `wanted` is ``current`` for the policy in force with what is adopted there, the path of a file, or the name of one
    in config/disclosure; an overlay is a path or a name. `shadow` and `closing` are not set: no policy file has them.
    """
    folder = config_folder(Environment(environ))
    if wanted == CURRENT:
        main = TomlFile(folder / "caseq.toml")
        base, adopted = files_in_force(folder, main, main.checked(CaseqToml(), main.data)["disclosure"])
    else:
        base, adopted = _read(folder, wanted, is_overlay=False), []
    more = [_read(folder, overlay, is_overlay=True) for overlay in overlays]
    files = [base, *(overlay for overlay, _ in adopted), *more]
    if faults := doubles(files):
        raise ConfigurationError(faults)
    return joined(base, [*adopted, *((overlay, None) for overlay in more)])


def unadoptable(environ: Mapping[str, str], policy: Policy) -> Sequence[Fault]:
    """What would have to be there before this policy can be put in force: the rights of roles to whom it opens them."""
    folder = config_folder(Environment(environ)) / RIGHTS_FOLDER
    return without_rights(folder, policy, read_rights(folder))


def rules_of(environ: Mapping[str, str], wanted: str) -> Policy:
    """The rules of one file, an overlay's by themselves; `wanted` is its path, or its name in config/disclosure."""
    return read_policy(_path(config_folder(Environment(environ)), wanted))


def _path(folder: Path, wanted: str) -> Path:
    given = Path(wanted)
    path = given if given.is_file() else folder / FOLDER / f"{wanted}.toml"
    if not path.is_file():
        known = ", ".join(sorted(path.stem for path in (folder / FOLDER).glob("*.toml")))
        raise ConfigurationError([Fault(wanted, None, "policy", f"no such file; {FOLDER}/ has {known}")])
    return path


def _read(folder: Path, wanted: str, *, is_overlay: bool) -> PolicyFile:
    found = read_policy_file(_path(folder, wanted))
    if found.overlay is not is_overlay:
        what = "a policy of its own, not an overlay" if is_overlay else "an overlay: add it to a policy"
        raise ConfigurationError([found.file.fault(["name"], f"{found.name} is {what}")])
    return found
