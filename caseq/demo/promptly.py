"""A copy of the configuration in which nothing waits: news go out at once, at night too, and the past of the synthetic
case system needs no signature. A demo is looked at now."""

import re
import shutil
from datetime import date
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


def with_a_queue(folder: Path, since: date) -> None:
    """Let the configuration in this folder hold up what is formed from this day on, but measures: those of `--change`
    are to be seen at once."""
    release = folder / "release.toml"
    at_once = '[[line]]\nkinds = ["criminal"]\nmilestones = ["compulsory_measure"]\nchain = []\n\n[[line]]'
    text = release.read_text(encoding="utf-8").replace(_NOTHING_WAITS[1], f"at_once_before = {since}")
    release.write_text(text.replace("[[line]]", at_once, 1), encoding="utf-8")
