"""config/disclosure/*.toml as a checked `Policy`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caseq.errors import ConfigurationError, Fault
from caseq.rules.case import COMMON_FIELDS, DETAIL_FIELDS, UNIT_FIELDS, MilestoneName
from caseq.rules.disclosure import RIGHTS, UNIT, Policy, Rule, policy
from caseq.settings.schemas import PolicyToml, RuleToml
from caseq.settings.tomlfile import TomlFile


def read_policy(path: Path) -> Policy:
    """The policy of one file; ConfigurationError with every unknown name, double rule or empty clause."""
    file = TomlFile(path)
    head = file.checked(PolicyToml(), file.data)
    rules: list[Rule] = []
    faults: list[Fault] = []
    for position, raw in enumerate(head["rule"]):
        try:
            rules.append(_rule(file, position, raw))
        except ConfigurationError as error:
            faults += error.faults
    faults += _doubles(file, rules)
    if head["name"] != path.stem:
        faults.append(file.fault(["name"], f"must be the file's name, {path.stem}"))
    if faults:
        raise ConfigurationError(faults)
    return policy(head["name"], rules)


def _rule(file: TomlFile, position: int, raw: dict[str, Any]) -> Rule:
    above: Sequence[str | int] = ("rule", position)
    loaded = file.checked(RuleToml(), raw, above)
    rule = Rule(
        group=loaded["group"],
        clause=loaded["clause"],
        kind=loaded["kind"],
        roles=tuple(loaded["roles"]),
        online=loaded["online"],
        item=loaded["item"],
        scope=loaded["scope"],
        fields=tuple(loaded["fields_"]),
    )
    known = _known_fields(rule.item)
    if known is None:
        raise ConfigurationError([file.fault([*above, "item"], f"no item is called {rule.item!r}")])
    if unknown := [field for field in rule.fields if field not in known]:
        reason = f"{rule.item} has no field {', '.join(unknown)}; it has {', '.join(sorted(known)) or 'none'}"
        raise ConfigurationError([file.fault([*above, "fields"], reason)])
    return rule


def _known_fields(item: str) -> frozenset[str] | None:
    if item == UNIT:
        return UNIT_FIELDS
    if item == RIGHTS:
        return frozenset()
    return COMMON_FIELDS | DETAIL_FIELDS[MilestoneName(item)] if item in set(MilestoneName) else None


def _doubles(file: TomlFile, rules: Sequence[Rule]) -> list[Fault]:
    seen: dict[tuple[str, str, str], int] = {}
    faults = []
    for position, rule in enumerate(rules):
        for role in rule.roles:
            first = seen.setdefault((rule.kind, role, rule.item), position)
            if first != position:
                reason = f"{role} has a rule for {rule.item} of kind {rule.kind} already (rule {first + 1})"
                faults.append(file.fault(["rule", position, "item"], reason))
    return faults
