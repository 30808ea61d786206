"""config/regions.toml: the regional systems that may link here."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caseq.errors import ConfigurationError, Fault
from caseq.rules import returnurl
from caseq.settings.jwksfile import read_jwks
from caseq.settings.model import Region
from caseq.settings.schemas import RegionToml
from caseq.settings.tomlfile import TomlFile

FILE = "regions.toml"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")


def read_regions(folder: Path) -> dict[str, Region]:
    """The regional systems by name, none if there is no such file; ConfigurationError with everything wrong in it
    and in the key files that it names."""
    if not (folder / FILE).exists():
        return {}
    file = TomlFile(folder / FILE)
    faults: list[Fault] = []
    regions: dict[str, Region] = {}
    for name, raw in file.data.items():
        try:
            regions[name] = _region(file, folder, name, raw)
        except ConfigurationError as error:
            faults += error.faults
    if faults := [*faults, *_one_issuer_twice(file, list(regions.values()))]:
        raise ConfigurationError(faults)
    return regions


def _region(file: TomlFile, folder: Path, name: str, raw: Any) -> Region:
    if not isinstance(raw, dict):
        raise ConfigurationError([file.fault([name], "must be a table [region]")])
    if not _NAME.fullmatch(name):
        raise ConfigurationError([file.fault([name], "must be up to 50 small letters, digits and dashes")])
    loaded = file.checked(RegionToml(), raw, [name])
    faults = [
        file.fault([name, "return_urls"], f"{position + 1}: {fault}")
        for position, url in enumerate(loaded["return_urls"])
        if (fault := returnurl.fault(url))
    ]
    keys = Path(loaded["keys"])
    if keys.is_absolute() or ".." in keys.parts:
        faults.append(file.fault([name, "keys"], "must be a file below this folder"))
    if faults:
        raise ConfigurationError(faults)
    region = Region(
        name=name,
        title=loaded["title"],
        issuer=loaded["issuer"],
        audience=loaded["audience"],
        jwks=folder / keys,
        algorithms=frozenset(loaded["algorithms"]),
        return_urls=tuple(loaded["return_urls"]),
    )
    read_jwks(region.jwks, region.algorithms)
    return region


def _one_issuer_twice(file: TomlFile, regions: Sequence[Region]) -> list[Fault]:
    issuers = [region.issuer for region in regions]
    return [
        file.fault([region.name, "issuer"], "is also that of a region above")
        for position, region in enumerate(regions)
        if region.issuer in issuers[:position]
    ]
