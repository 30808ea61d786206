"""A copy of the configuration in which nothing waits: news go out at once, at night too, and the past of the synthetic
case system needs no signature. A demo is looked at now."""

import re
import shutil
from pathlib import Path

_AT_ONCE = ((r"^delay_minutes = \d+", "delay_minutes = 0"), (r'^quiet = ".*"', 'quiet = ""'))
_NOTHING_WAITS = ("# at_once_before = 2026-12-01", "at_once_before = 2100-01-01")


def copied(config: Path, folder: Path) -> Path:
    """`folder`, with everything of the configuration and no waiting in its tables of who is told when, and agrees."""
    shutil.copytree(config, folder)
    path = folder / "messages.toml"
    text = path.read_text(encoding="utf-8")
    for waiting, at_once in _AT_ONCE:
        text = re.sub(waiting, at_once, text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    release = folder / "release.toml"
    text = release.read_text(encoding="utf-8")
    release.write_text(text.replace(*_NOTHING_WAITS), encoding="utf-8")
    return folder
