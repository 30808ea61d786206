"""The policy in force: the one that config/caseq.toml names, and the overlays that the office adopted there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from caseq.errors import ConfigurationError, Fault
from caseq.rules.adoption import Adoption
from caseq.rules.case import bureau_date
from caseq.rules.disclosure import Policy
from caseq.settings.policyfile import PolicyFile, doubles, joined, read_policy_file
from caseq.settings.tomlfile import TomlFile

FOLDER = "disclosure"


def policy_in_force(folder: Path, main: TomlFile, table: Mapping[str, Any]) -> Policy:
    """What `[disclosure]` (`table`, checked) of config/caseq.toml (`main`) puts in force.

    ConfigurationError with everything wrong in the files it names, or in how it names them.
    """
    base, overlays = files_in_force(folder, main, table)
    if faults := doubles([base, *(overlay for overlay, _ in overlays)]):
        raise ConfigurationError(faults)
    return replace(joined(base, overlays), closing=table["days_after_end"])


def files_in_force(
    folder: Path, main: TomlFile, table: Mapping[str, Any]
) -> tuple[PolicyFile, list[tuple[PolicyFile, Adoption]]]:
    """The policy file and the adopted overlay files, in the order of their adoption; faults as in `policy_in_force`."""
    faults: list[Fault] = []
    base = _base(folder, main, table["policy"], faults)
    overlays = []
    for position, adopted in enumerate(table["adopted"]):
        wrong = _wrong_adoption(folder, main, table["adopted"], position, bureau_date(datetime.now(UTC)))
        overlay = None if wrong else _read(folder, adopted["overlay"], faults)
        faults += wrong
        if overlay is not None and not overlay.overlay:
            faults.append(_at(main, position, "overlay", f"{overlay.name} is a policy of its own, not an overlay"))
        elif overlay is not None:
            adoption = Adoption(overlay.name, overlay.title, adopted["by"], adopted["on"], adopted["reason"])
            overlays.append((overlay, adoption))
    if faults or base is None:
        raise ConfigurationError(faults)
    return base, overlays


def _base(folder: Path, main: TomlFile, name: str, faults: list[Fault]) -> PolicyFile | None:
    base = _read(folder, name, faults)
    if base is not None and base.overlay:
        reason = f"{name} is an overlay: name a policy here, and adopt the overlay with [[disclosure.adopted]]"
        faults.append(main.fault(["disclosure", "policy"], reason))
    return base


def _read(folder: Path, name: str, faults: list[Fault]) -> PolicyFile | None:
    try:
        return read_policy_file(folder / FOLDER / f"{name}.toml")
    except ConfigurationError as error:
        faults += error.faults
        return None


def _wrong_adoption(
    folder: Path, main: TomlFile, adopted: Sequence[Mapping[str, Any]], position: int, today: date
) -> list[Fault]:
    """What is wrong in one table [[disclosure.adopted]], before the overlay itself is read."""
    name = adopted[position]["overlay"]
    faults = []
    if not (folder / FOLDER / f"{name}.toml").is_file():
        known = ", ".join(sorted(path.stem for path in (folder / FOLDER).glob("*.toml")))
        reason = f"there is no {name}.toml in {FOLDER}/: correct the name, or delete this table; there are {known}"
        faults.append(_at(main, position, "overlay", reason))
    if name in (other["overlay"] for other in adopted[:position]):
        faults.append(_at(main, position, "overlay", f"{name} is adopted above already: delete one of the two tables"))
    if adopted[position]["on"] > today:
        reason = "lies ahead: an overlay opens as soon as it stands here, so add this table on that day"
        faults.append(_at(main, position, "on", reason))
    return faults


def _at(main: TomlFile, position: int, key: str, reason: str) -> Fault:
    return main.fault(["disclosure", "adopted", position, key], reason)
