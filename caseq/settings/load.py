"""Reading config/ and the environment into one `Settings`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from caseq.errors import ConfigurationError, Fault
from caseq.rules.disclosure import Policy
from caseq.rules.guesses import MOST_CHANCE_A_DAY, Budget
from caseq.rules.numbers import lookup_key
from caseq.rules.silence import Bounds
from caseq.settings.environment import Environment
from caseq.settings.inforce import policy_in_force
from caseq.settings.messagesfile import read_messages
from caseq.settings.model import (
    Audit,
    Bureau,
    CodeLimits,
    Data,
    Limits,
    Login,
    Notices,
    Operations,
    Settings,
    Source,
    Voices,
    Worker,
)
from caseq.settings.regionsfile import read_regions
from caseq.settings.releasefile import read_release
from caseq.settings.rightsfile import read_rights, without_rights
from caseq.settings.schemas import CaseqToml, SourceToml
from caseq.settings.shipped import shipped
from caseq.settings.tomlfile import TomlFile
from caseq.settings.workdaysfile import read_workdays

T = TypeVar("T")


def load(environ: Mapping[str, str]) -> Settings:
    """The settings; ConfigurationError names every fault in every file and in the environment at once."""
    environment = Environment(environ)
    folder = config_folder(environment)
    faults: list[Fault] = []

    def part(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ConfigurationError as error:
            faults.extend(error.faults)
            return None

    main = part(lambda: _main(folder / "caseq.toml"))
    sources = part(lambda: _sources(folder / "sources.toml", environment))
    messages = part(lambda: read_messages(folder / "messages.toml"))
    rights = part(lambda: read_rights(folder / "rights"))
    regions = part(lambda: read_regions(folder))
    workdays = part(lambda: read_workdays(folder))
    approval = part(lambda: read_release(folder))
    policy = part(lambda: _policy(folder)) if main else None
    from_environment = part(environment.settings)
    if rights is None or regions is None or workdays is None or approval is None:
        raise ConfigurationError(faults)
    if faults or not (main and sources and messages and policy and from_environment):
        raise ConfigurationError(faults)
    if missing := without_rights(folder / "rights", policy, rights):
        raise ConfigurationError(missing)
    shadow = frozenset(source.name for source in sources.values() if source.shadow)
    policy = replace(policy, shadow=shadow)
    found = {**main, **messages, **from_environment, **workdays}
    return Settings(**found, sources=sources, rights=rights, policy=policy, approval=approval, regions=regions)


def config_folder(environment: Environment) -> Path:
    """Where config/ is: in CASEQ_CONFIG_DIR, or beside the package."""
    return environment.path("CASEQ_CONFIG_DIR") or shipped("config")


def policy_of(environ: Mapping[str, str]) -> Policy:
    """The policy in force as `load` has it, but for `shadow`; needs no secret. ConfigurationError with its faults."""
    return _policy(config_folder(Environment(environ)))


def _main(path: Path) -> dict[str, Any]:
    file = TomlFile(path)
    loaded = file.checked(CaseqToml(), file.data)
    operations = loaded["operations"]
    worker, budget = Worker(**loaded["worker"]), Budget(**loaded["guesses"])
    faults = []
    if worker.lease_seconds < worker.shortest_lease_seconds:
        reason = f"must be {worker.shortest_lease_seconds:g} or more: a call begins only if it can end within it"
        faults.append(file.fault(["worker", "lease_seconds"], reason))
    if worker.ask_after_seconds < worker.lease_seconds:
        faults.append(file.fault(["worker", "ask_after_seconds"], "must not be shorter than lease_seconds"))
    if budget.worst_day >= MOST_CHANCE_A_DAY:
        reason = f"with known = {budget.known} a stranger's chance is {budget.worst_day:.1e} a day: make it less"
        faults.append(file.fault(["guesses", "strangers"], reason))
    if faults:
        raise ConfigurationError(faults)
    login = {**loaded["login"], "pauses_seconds": tuple(loaded["login"]["pauses_seconds"])}
    return {
        "bureau": Bureau(**loaded["bureau"]),
        "login": Login(**login),
        "guesses": budget,
        "codes": CodeLimits(**loaded["codes"]),
        "limits": Limits(**loaded["limits"]),
        "voices": Voices(**loaded["voices"]),
        "notices": _notices(loaded["notices"]),
        "worker": worker,
        "operations": Operations(tuple(operations["metrics_allow"]), operations["worker_silent_seconds"]),
        "data": Data(**loaded["data"]),
        "audit": Audit(**{**loaded["audit"], "anchor_file": Path(loaded["audit"]["anchor_file"])}),
    }


def _notices(loaded: Mapping[str, Any]) -> Notices:
    return Notices(frozenset(loaded["sensitive_units"]), frozenset(map(lookup_key, loaded["sensitive_cases"])))


def _policy(folder: Path) -> Policy:
    file = TomlFile(folder / "caseq.toml")
    return policy_in_force(folder, file, file.checked(CaseqToml(), file.data)["disclosure"])


def _sources(path: Path, environment: Environment) -> dict[str, Source]:
    file = TomlFile(path)
    faults: list[Fault] = []
    sources: dict[str, Source] = {}
    for name, raw in file.data.items():
        try:
            if not isinstance(raw, dict):
                raise ConfigurationError([file.fault([name], "must be a table [source]")])
            loaded = file.checked(SourceToml(), raw, [name])
            keys = environment.push_keys(name)
        except ConfigurationError as error:
            faults += error.faults
            continue
        sources[name] = Source(name, frozenset(loaded["kinds"]), _silence(loaded), keys, loaded["shadow"])
    faults += environment.unknown_push_keys(file.data)
    if not file.data:
        faults.append(file.fault([], "names no source"))
    if faults:
        raise ConfigurationError(faults)
    return sources


def _silence(loaded: dict[str, Any]) -> Bounds:
    latest, least = (timedelta(minutes=loaded[f"silent_{name}_minutes"]) for name in ("after", "least"))
    return Bounds(latest, least, loaded["silent_times_usual"])
