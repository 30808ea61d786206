"""The shipped register mappings on their samples: an inbox, a staging file and a state, with a clock set by hand."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters import bookmark, spool, statefile
from adapters.feed import Feed, find_changes, read_chunk
from adapters.mapping import SystemMapping
from adapters.mapping_file import read_mapping
from adapters.moments import LOCAL_TIME
from adapters.sources.files import FileSource
from tests.service import ROOT

MAPPINGS = ROOT / "config" / "adapters"
SAMPLES = Path(__file__).parent / "samples"
#: The sample of each shipped mapping of a register.
REGISTERS = {"petitions": "petitions.xlsx", "compensation": "compensation.csv", "premises": "premises.xml"}


def sample(name: str) -> Path:
    """The sample file of this mapping."""
    return SAMPLES / REGISTERS[name]


def told(event: dict[str, Any]) -> dict[str, Any]:
    """What an event says, without what tells it from others."""
    kind = event["type"].split(".")[1]
    day = datetime.fromisoformat(event["time"]).astimezone(LOCAL_TIME).date().isoformat()
    return {"case": event["subject"], "source": event["source"], "type": kind, "formed": day, "data": event["data"]}


class Register:
    """One register: files are dropped, and every `events` is a new start of its adapter."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.inbox = folder / "inbox"
        self.inbox.mkdir(parents=True)
        self.rows = folder / "rows.db"
        self.state = folder / "state.db"
        self.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)

    def mapping(self) -> SystemMapping:
        """The shipped mapping on this inbox; a file counts as whole at once."""
        found = read_mapping(MAPPINGS / f"{self.name}.toml", {"CASEQ_ADAPTER_INBOX": str(self.inbox)})
        return replace(found, source=replace(found.source, settle_seconds=0))

    def drop(self, content: bytes) -> None:
        """Puts a file into the inbox, a day after the last one."""
        self.now += timedelta(days=1)
        path = self.inbox / f"{self.now:%Y%m%d}-{REGISTERS[self.name]}"
        path.write_bytes(content)
        os.utime(path, (self.now.timestamp() - 60,) * 2)

    def events(self) -> list[dict[str, Any]]:
        """The events that one more poll makes, in their order."""
        with self._feed() as feed:
            find_changes(feed)
            while read_chunk(feed):
                pass
            made = [json.loads(event.body) for event in spool.waiting_events(feed.state)]
            with statefile.transaction(feed.state):
                feed.state.execute("DELETE FROM outgoing")
        return made

    def refused(self) -> list[dict[str, str]]:
        """What the adapter cannot read, as `check` tells it."""
        with closing(statefile.open_state(self.state)) as state:
            names = ("case", "row", "record", "column", "reason")
            found = [
                dict(zip(names, (one.case_number, one.origin, one.name, one.column, one.reason), strict=True))
                for one in bookmark.unreadable_records(state, 1000)
            ]
            assert list(spool.refused_events(state)) == []
        return sorted(found, key=lambda one: one["row"])

    def held(self) -> str:
        """Every text that is kept beside the state."""
        with closing(sqlite3.connect(self.rows)) as rows:
            return "\n".join(rows.iterdump())

    @contextmanager
    def _feed(self) -> Iterator[Feed]:
        mapping = self.mapping()
        source = FileSource(mapping, self.rows, lambda: self.now)
        with closing(source), closing(statefile.open_state(self.state)) as state:
            yield Feed(mapping, source, state, lambda: self.now)
