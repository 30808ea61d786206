"""config/disclosure/*.toml: texts of rules, each checked by itself, and joined to one `Policy`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from caseq.errors import ConfigurationError, Fault
from caseq.rules.adoption import Adoption
from caseq.rules.case import Role
from caseq.rules.disclosure import Policy, Rule, policy
from caseq.settings.rulechecks import wrong_in
from caseq.settings.schemas import PolicyToml, RuleToml
from caseq.settings.tomlfile import TomlFile


@dataclass(frozen=True)
class PolicyFile:
    """One text of rules: a policy of its own, or an overlay that adds rules to one.

    `numbered` are its rules, each with its position among the tables of the file, from 0.
    """

    file: TomlFile
    name: str
    title: Mapping[str, str]
    overlay: bool
    numbered: tuple[tuple[int, Rule], ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for _, rule in self.numbered)

    def fault(self, position: int, key: str, reason: str) -> Fault:
        """A fault at one key of the rule at `position`."""
        return self.file.fault(["rule", position, key], reason)


def read_policy_file(path: Path) -> PolicyFile:
    """The rules of one file; ConfigurationError with everything wrong in it, each with its line and what to do."""
    file = TomlFile(path)
    head = file.checked(PolicyToml(), file.data)
    rules: list[tuple[int, Rule]] = []
    faults: list[Fault] = []
    for position, raw in enumerate(head["rule"]):
        try:
            rule = _rule(file, position, raw)
        except ConfigurationError as error:
            faults += error.faults
            continue
        rules.append((position, rule))
        faults += [file.fault(["rule", position, *keys], reason) for keys, reason in wrong_in(rule)]
    if head["name"] != path.stem:
        faults.append(file.fault(["name"], f"must be the file's name, {path.stem}"))
    found = PolicyFile(file, head["name"], head["title"], head["overlay"], tuple(rules))
    if faults := [*faults, *doubles([found])]:
        raise ConfigurationError(faults)
    return found


def read_policy(path: Path, overlays: Iterable[Path] = ()) -> Policy:
    """The policy of one file, with the rules of these overlays; ConfigurationError with every fault of them."""
    read = [read_policy_file(one) for one in (path, *overlays)]
    if faults := doubles(read):
        raise ConfigurationError(faults)
    return joined(read[0], [(overlay, None) for overlay in read[1:]])


def joined(base: PolicyFile, overlays: Sequence[tuple[PolicyFile, Adoption | None]]) -> Policy:
    """One policy: the rules of `base`, then those of each overlay; its name names them all."""
    files = (base, *(overlay for overlay, _ in overlays))
    made = policy("+".join(file.name for file in files), (rule for file in files for rule in file.rules))
    return replace(made, title=base.title, adopted=tuple(adoption for _, adoption in overlays if adoption))


def doubles(files: Sequence[PolicyFile]) -> list[Fault]:
    """A fault for every cell (kind, role, item) that has a rule already, at the later rule."""
    seen: dict[tuple[str, Role, str], tuple[PolicyFile, int]] = {}
    faults = []
    for file in files:
        for position, rule in file.numbered:
            for role in dict.fromkeys(rule.roles):
                first = seen.setdefault((rule.kind, role, rule.item), (file, position))
                if first != (file, position):
                    faults.append(file.fault(position, "item", _double(rule, role, *first)))
    return faults


def _double(rule: Rule, role: Role, first: PolicyFile, position: int) -> str:
    line = first.file.line(["rule", position])
    where = f"{first.name}, line {line}"
    return f"{role} has a rule for {rule.item} of kind {rule.kind} already ({where}): delete one of the two"


def _rule(file: TomlFile, position: int, raw: dict[str, Any]) -> Rule:
    loaded = file.checked(RuleToml(), raw, ("rule", position))
    return Rule(
        group=loaded["group"],
        clause=loaded["clause"],
        kind=loaded["kind"],
        roles=tuple(loaded["roles"]),
        online=loaded["online"],
        item=loaded["item"],
        scope=loaded["scope"],
        fields=tuple(loaded["fields_"]),
        reason=loaded["reason"],
    )
