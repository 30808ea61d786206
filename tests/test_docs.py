"""The documents against the code: variables, settings, commands, links, layers. What they name must be there."""

import inspect
import re
from pathlib import Path

import click
import pytest

from adapters.run import main as adapter
from caseq.cli import main as caseq
from caseq.rules.telling import Wait
from caseq.store import outbox, outcomes
from caseq.texting import composing, overseeing, sending, tracing
from caseq.texting.sending import NOT_UNDERSTOOD
from tests.service import ROOT
from tests.test_layers import ROWS

DOCUMENTS = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if path.is_file())
OPERATORS, ADAPTERS = ROOT / "docs" / "operators.md", ROOT / "docs" / "adapters.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])


def text_of(path: Path) -> str:
    if not path.exists():
        pytest.skip(f"{path.name} is not written yet")
    return path.read_text(encoding="utf-8")


def variables(*folders: str) -> set[str]:
    """Every variable of the environment that the code or the configuration in these folders names."""
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".toml")]
    return {name for path in files for name in re.findall(r"CASEQ_[A-Z_]+", path.read_text(encoding="utf-8"))}


# Variables of the environment


def test_every_variable_of_the_service_is_in_the_operators_handbook():
    known = {name.replace("PUSH_KEY_", "PUSH_KEY_<SOURCE>") for name in variables("caseq") if name.strip("_")}
    known = {name for name in known if not name.startswith("CASEQ_ADAPTER_") and not name.endswith("_")}
    assert len(known) > 10
    missing = {name for name in known if f"`{name.removesuffix('_')}`" not in text_of(OPERATORS)}
    assert missing == set()


def test_every_variable_of_the_adapters_is_in_one_of_the_handbooks():
    text = text_of(OPERATORS) + text_of(ADAPTERS)
    known = {name for name in variables("adapters", "config") if not name.endswith("PUSH_KEY_")}
    assert known
    assert {name for name in known if name not in text} == set()


def test_the_handbook_names_no_variable_that_nobody_reads():
    read = variables("caseq", "adapters", "config", "bench", "tests")
    told = set(re.findall(r"CASEQ_[A-Z_]+", text_of(OPERATORS)))
    assert {name for name in told if name not in read} == set()


def test_the_administrators_handbook_says_of_every_figure_and_alert_what_to_do():
    figures = set(re.findall(r"`(caseq_[a-z_]+)", text_of(OPERATORS)))
    alerts = set(re.findall(r"alert: ([A-Za-z]+)", text_of(OPERATORS)))
    assert len(figures) > 20
    assert len(alerts) > 10
    told = text_of(ROOT / "docs" / "zh" / "administrator.md")
    assert {name for name in figures - {"caseq_query", "caseq_wall"} | alerts if name not in told} == set()


# Settings

KEY = re.compile(r"([a-z_]+)\s*=")
LISTED = re.compile(r"^#   ([a-z_]+) {2,}\S")


def undocumented(text: str) -> list[str]:
    """The keys without a comment, beside them or above the run of keys they stand in.

    A key that has its comment in one table needs none in the next. A comment may also be a list of keys, one a line.
    """
    explained: set[str] = set()
    missing, is_run_explained = [], False
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("["):
            is_run_explained = False
        elif line.startswith("#"):
            is_run_explained = True
            explained.update(LISTED.findall(line))
        elif found := KEY.match(line):
            if is_run_explained or " # " in line or found.group(1) in explained:
                explained.add(found.group(1))
            else:
                missing.append(found.group(1))
    return missing


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.toml")), ids=lambda path: path.name)
def test_every_setting_has_a_comment(path):
    assert undocumented(path.read_text(encoding="utf-8")) == []


def test_a_setting_without_a_comment_is_noticed():
    assert undocumented("# Head.\n\n[a]\n# Said.\nb = 1\nc = 2\n\nd = 3\n[e]\nb = 1\nf = 2 # said\n") == ["d"]
    text = (ROOT / "config" / "caseq.toml").read_text(encoding="utf-8")
    bare = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(undocumented("\n".join(bare))) == len([line for line in bare if KEY.match(line)])


# Commands


def commands(text: str) -> list[list[str]]:
    """Every `caseq …`, `caseq-adapter …` and `make …` of a document, as its words."""
    code = re.findall(r"`([^`\n]+)`", text) + [line.strip() for line in text.splitlines() if line.startswith("    ")]
    code += [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    found = []
    for line in code:
        line = re.sub(r"^(?:\$ |[A-Z_]+=\S+ |\.venv/bin/|\S+/bin/)*", "", line.split("#")[0].strip())
        if re.match(r"(caseq|caseq-adapter|make)( |$)", line):
            found.append(line.replace("[", "").replace("]", "").split())
    return found


def fault(words: list[str]) -> str | None:
    """What is wrong with a command line, None if there is such a command with such options."""
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        asked = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
        return next((f"make has no {word}" for word in asked[:1] if word not in targets), None)
    command: click.Command = caseq if words[0] == "caseq" else adapter
    for word in words[1:]:
        if isinstance(command, click.Group) and not word.startswith("-"):
            for name in word.split("|"):
                if name not in command.commands:
                    return f"{words[0]} has no {name}"
            command = command.commands[word.split("|")[0]]
        elif word.startswith("--") and not is_option(command, word.split("=")[0]):
            return f"{' '.join(words)}: no option {word}"
    return None


def is_option(command: click.Command, word: str) -> bool:
    takes_any = command.context_settings.get("ignore_unknown_options", False)
    return takes_any or word in ("--help", "--version") or any(word in option.opts for option in command.params)


@every_document
def test_every_command_of_a_document_exists(path):
    if path.name == "CHANGELOG.md":
        pytest.skip("it also names what is gone or not built yet")
    assert [found for words in commands(path.read_text(encoding="utf-8")) if (found := fault(words))] == []


def test_a_command_that_does_not_exist_is_noticed():
    text = "`caseq fly`, `make demo`, `make coffee`\n\n    caseq serve --bind x --wings 2\n\n"
    text += "```\ncaseq-adapter walk\n```\n"
    assert [fault(words) for words in commands(text)] == [
        "caseq has no fly",
        None,
        "make has no coffee",
        "caseq serve --bind x --wings 2: no option --wings",
        "caseq-adapter has no walk",
    ]


def test_the_readme_names_the_commands_one_needs_first():
    found = {" ".join(words) for words in commands(text_of(ROOT / "README.md"))}
    assert {"make demo", "make test"} <= found


# Messages


def test_every_event_about_messages_is_in_the_operators_handbook():
    files = [*(ROOT / "caseq" / "texting").glob("*.py"), *(ROOT / "caseq" / "sms").glob("*.py")]
    events = {name for path in files for name in re.findall(r"log\.\w+\(\"(\w+)\"", path.read_text(encoding="utf-8"))}
    assert len(events) > 10
    assert {name for name in events if f"`{name}`" not in text_of(OPERATORS)} == set()


def test_every_state_and_reason_of_a_message_is_in_the_operators_handbook():
    reasons = {composing.NOTHING_NEW, composing.DEAD_NUMBER, composing.TOO_LATE, sending.NOT_BEGUN, NOT_UNDERSTOOD}
    reasons |= {outbox.NIGHT, outbox.BY_STAFF, outbox.TOLD_IN_PERSON, *Wait, *outbox.State}
    for module in (composing, overseeing, sending, tracing, outcomes):
        source = inspect.getsource(module)
        said = re.findall(r"(?:Drop\(|return |reason := |reason = |now, |\"reason\": )\"([a-z][a-z ]+[a-z])\"", source)
        reasons |= {words for words in said if " " in words and not words.startswith(("it is", "its turn"))}
    assert len(reasons) > 30
    assert {reason for reason in reasons if f"`{reason}`" not in text_of(OPERATORS)} == set()


# Links and leftovers


@every_document
def test_every_link_inside_the_project_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r"src=\"([^\"]+)\"", text)
    inside = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in inside if not (path.parent / target).exists()] == []


@every_document
def test_nothing_is_left_to_be_filled_in(path):
    assert re.findall(r"@@\w*@@|\bTODO\b|\bTBD\b|\bFIXME\b", path.read_text(encoding="utf-8")) == []


def test_the_layers_of_the_document_are_those_of_the_test():
    block = re.search(r"```\n(7 .*?)```", text_of(ARCHITECTURE), re.DOTALL)
    assert block
    told = []
    for line in reversed(block.group(1).strip().splitlines()):
        own = re.split(r"\s+adapters/", line[1:])[0]
        told.append({word.removesuffix(".py").removesuffix("/") for word in own.split()})
    drawn = [{entry.removeprefix("caseq.") for entry in row} - {"caseq"} for row in ROWS]
    assert told == drawn
