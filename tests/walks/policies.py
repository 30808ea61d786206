"""Folders of configuration with another policy, and services that run by them."""

import json
import shutil
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.service import ROOT

Rule = dict[str, Any]
BASE, OVERLAY = "yongning-2017", "statute-2018"
ADOPTED = """
[[disclosure.adopted]]
overlay = "statute-2018"
by = "法制大队"
on = 2024-01-01
reason = "测试"
"""


def rules() -> list[Rule]:
    """The rules of the shipped policy."""
    with (ROOT / "config" / "disclosure" / f"{BASE}.toml").open("rb") as file:
        return list(tomllib.load(file)["rule"])


def written(name: str, changed: list[Rule]) -> str:
    """A policy file of this name with these rules."""
    lines = [f'name = "{name}"', 'title = { zh = "测试", en = "Test" }']
    for rule in changed:
        lines.append("[[rule]]")
        lines += [f"{key} = {_value(value)}" for key, value in rule.items()]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def folder(path: Path, name: str, change: Callable[[list[Rule]], list[Rule]] | None, adopts_overlay: bool) -> Path:
    """A folder of configuration: the shipped one, with this policy in force; `change` makes its rules of those."""
    shutil.copytree(ROOT / "config", path)
    if change is not None:
        text = written(name, change(rules()))
        (path / "disclosure" / f"{name}.toml").write_text(text, encoding="utf-8")
    main = (path / "caseq.toml").read_text(encoding="utf-8")
    for old, new in (
        (f'policy = "{BASE}"', f'policy = "{name}"'),
        ('ask_code = "60 per 10 minutes; 600 per day"', 'ask_code = "10000 per minute"'),
        ('enter_code = "120 per 10 minutes"', 'enter_code = "10000 per minute"'),
        ("site_least = 500", "site_least = 1000000"),
        ("network = 3\n", "network = 1000\n"),
        ("party = 10\n", "party = 1000\n"),
        ("case = 30\n", "case = 1000\n"),
    ):
        assert main.count(old) == 1, old
        main = main.replace(old, new)
    (path / "caseq.toml").write_text(main + (ADOPTED if adopts_overlay else ""), encoding="utf-8")
    return path
