"""config/rights/*.toml: what each role may and must do, in the words that it reads."""

from collections.abc import Mapping
from pathlib import Path

from caseq.errors import ConfigurationError, Fault
from caseq.rules.disclosure import Policy, Right
from caseq.settings.schemas import LANGUAGES, RightsToml
from caseq.settings.tomlfile import TomlFile

#: (kind, role, language) to the rights and duties
Rights = Mapping[tuple[str, str, str], tuple[Right, ...]]


def read_rights(folder: Path) -> Rights:
    """The rights of every role; ConfigurationError with every fault in every file."""
    rights: dict[tuple[str, str, str], tuple[Right, ...]] = {}
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            file = TomlFile(path)
            loaded = file.checked(RightsToml(), file.data)
        except ConfigurationError as error:
            faults += error.faults
            continue
        for role in loaded["roles"]:
            if (loaded["kind"], role, "zh") in rights:
                faults.append(file.fault(["roles"], f"{role} has rights for {loaded['kind']} in another file already"))
            for language in LANGUAGES:
                rights[loaded["kind"], role, language] = tuple(
                    Right(right["title"][language], right["text"][language]) for right in loaded["right"]
                )
    if faults:
        raise ConfigurationError(faults)
    return rights


def without_rights(folder: Path, policy: Policy, rights: Rights) -> list[Fault]:
    """A fault for every role to whom the policy opens its rights and for whom no file has any."""
    return [
        Fault(str(folder), None, f"{kind}.{role}", "the policy opens rights to this role, but no file here has them")
        for (kind, role), grant in policy.grants.items()
        if grant.rights is not None and (kind, role, LANGUAGES[0]) not in rights
    ]
