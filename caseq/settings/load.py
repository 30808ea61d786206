"""Reading config/ and the environment into one `Settings`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from caseq.errors import ConfigurationError, Fault
from caseq.rules.disclosure import Policy, Right
from caseq.rules.messages import Texts, segments
from caseq.rules.silence import Bounds
from caseq.settings.environment import Environment
from caseq.settings.model import Bureau, Limits, Login, Operations, Sending, Settings, Source, Worker
from caseq.settings.policyfile import read_policy
from caseq.settings.schemas import LANGUAGES, CaseqToml, MessagesToml, RightsToml, SourceToml
from caseq.settings.shipped import shipped
from caseq.settings.tomlfile import TomlFile

T = TypeVar("T")


def load(environ: Mapping[str, str]) -> Settings:
    """The settings; ConfigurationError names every fault in every file and in the environment at once."""
    environment = Environment(environ)
    folder = environment.path("CASEQ_CONFIG_DIR") or shipped("config")
    faults: list[Fault] = []

    def part(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ConfigurationError as error:
            faults.extend(error.faults)
            return None

    main = part(lambda: _main(folder / "caseq.toml"))
    sources = part(lambda: _sources(folder / "sources.toml", environment))
    messages = part(lambda: _messages(folder / "messages.toml"))
    rights = part(lambda: _rights(folder / "rights"))
    policy = part(lambda: _policy(folder, main)) if main else None
    from_environment = part(environment.settings)
    if faults or not (main and sources and messages and policy and from_environment and rights is not None):
        raise ConfigurationError(faults)
    if missing := _without_rights(folder / "rights", policy, rights):
        raise ConfigurationError(missing)
    del main["disclosure"]
    policy = replace(policy, shadow=frozenset(source.name for source in sources.values() if source.shadow))
    return Settings(**main, **messages, **from_environment, sources=sources, rights=rights, policy=policy)


def _without_rights(folder: Path, policy: Policy, rights: Mapping[tuple[str, str, str], object]) -> list[Fault]:
    """A fault for every role to whom the policy opens its rights and for whom no file has any."""
    return [
        Fault(str(folder), None, f"{kind}.{role}", "the policy opens rights to this role, but no file here has them")
        for (kind, role), grant in policy.grants.items()
        if grant.rights is not None and (kind, role, LANGUAGES[0]) not in rights
    ]


def _main(path: Path) -> dict[str, Any]:
    file = TomlFile(path)
    loaded = file.checked(CaseqToml(), file.data)
    operations = loaded["operations"]
    worker = Worker(**loaded["worker"])
    if worker.ask_after_seconds < worker.lease_seconds:
        raise ConfigurationError(
            [file.fault(["worker", "ask_after_seconds"], "must not be shorter than lease_seconds")]
        )
    return {
        "bureau": Bureau(**loaded["bureau"]),
        "disclosure": loaded["disclosure"],
        "login": Login(**loaded["login"]),
        "limits": Limits(**loaded["limits"]),
        "worker": worker,
        "operations": Operations(tuple(operations["metrics_allow"]), operations["worker_silent_seconds"]),
    }


def _policy(folder: Path, main: dict[str, Any]) -> Policy:
    return read_policy(folder / "disclosure" / f"{main['disclosure']['policy']}.toml")


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


def _messages(path: Path) -> dict[str, Any]:
    file = TomlFile(path)
    loaded = file.checked(MessagesToml(), file.data)
    faults = [
        file.fault(["text"], f"has no [text.{language}]") for language in LANGUAGES if language not in loaded["text"]
    ]
    texts = {language: Texts(**text) for language, text in loaded["text"].items()}
    for language, text in texts.items():
        faults += _text_faults(file, language, text)
    if faults:
        raise ConfigurationError(faults)
    sending = loaded["sending"]
    return {
        "texts": texts,
        "sending": Sending(
            prefixes=tuple(sending["prefixes"]),
            code_valid_seconds=sending["code_valid_seconds"],
            news_valid_seconds=sending["news_valid_seconds"],
            news_within=timedelta(days=loaded["news"]["within_days"]),
        ),
    }


def _text_faults(file: TomlFile, language: str, text: Texts) -> list[Fault]:
    try:
        written = {"code": text.code_text("00000000", 60), "news": text.news_text()}
    except (KeyError, IndexError, ValueError) as error:
        return [file.fault(["text", language, "code"], f"may use only {{code}} and {{minutes}}: {error!r}")]
    faults = [
        file.fault(["text", language, name], f"takes {segments(words)} SMS with the signature; shorten it to one")
        for name, words in written.items()
        if segments(words) > 1
    ]
    if "0000 0000" not in written["code"]:
        faults.append(file.fault(["text", language, "code"], "must contain {code}"))
    return faults


def _rights(folder: Path) -> dict[tuple[str, str, str], tuple[Right, ...]]:
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
