"""A case system that tests fill row by row, and an adapter between it and a peer."""

import re
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import event as sql_event

from adapters import statefile
from adapters.carriers.files import FileCarrier
from adapters.carriers.https import HttpsCarrier
from adapters.feed import Feed
from adapters.loop import Poller
from adapters.mapping import SystemMapping
from adapters.mapping_file import read_mapping
from adapters.sender import Sender
from adapters.sources.engines import open_engine
from adapters.sources.sql import SqlSource
from adapters.work import work
from caseq.demo import casesystem, layout
from tests.adapters.peer import KEYS, Peer

ROOT = Path(__file__).parents[2]
B_ASJ = ROOT / "config/adapters/b_asj.toml"
GIVEN_SYSTEM = ROOT.parent / "shared/casesystems/b_asj.py"
NOW = datetime(2026, 11, 23, 9, tzinfo=casesystem.LOCAL_TIME)
NUMBER = "A6401215100002026100001"
OTHER = "A6401215100002026100002"


@dataclass
class Source:
    """A case system in a SQLite file."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def write(self, *statements: str) -> None:
        """Runs these statements in one transaction."""
        database = sqlite3.connect(self.path)
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def value(self, query: str) -> str:
        """The first value of the first row."""
        return str(self.values(query)[0])

    def values(self, query: str) -> list[str]:
        """The first value of every row."""
        database = sqlite3.connect(self.path)
        rows = database.execute(query).fetchall()
        database.close()
        return [row[0] for row in rows]

    def insert(self, table: str, **row: str | None) -> None:
        names = ", ".join(row)
        values = ", ".join("NULL" if value is None else f"'{value}'" for value in row.values())
        self.write(f"INSERT INTO {table} ({names}) VALUES ({values})")

    def add_case(self, number: str = NUMBER, row_id: str = "AJ1", **more: str | None) -> None:
        row: dict[str, str | None] = {
            "SYSTEMID": row_id,
            "AJBH": number,
            "AJMC": "SECRETNAME",
            "AJLX": "刑事",
            "AJWH": f"示公受〔2026〕{row_id}号",
            "ZYAQ": "SECRETFACTS",
            "FADD": "SECRETPLACE",
            "ZBDW": "640121510000",
            "AJZBRY": "SECRETOFFICER",
            "AJBARP": "SECRETMOBILE",
            "SL_LRSJ": "20261001080000",
            "CREATEDTIME": "20261001080000",
            "LASTUPDATEDTIME": "20261001080000",
            "DELETEFLAG": "0",
        }
        self.insert("B_ASJ_AJ", **{**row, **more})

    def add_suspect(self, number: str = NUMBER, row_id: str = "XY1", **more: str | None) -> None:
        row: dict[str, str | None] = {
            "SYSTEMID": row_id,
            "RYBH": f"R{row_id}",
            "AJBH": number,
            "XM": "疑某",
            "ZJHM": "SECRETIDENTITY",
            "CSRQ": "19900101",
            "LXDH": "19900000001",
            "LXRXM": "疑家",
            "LXRDH": "199-0000-0002",
            "ASJ_XYRZT": "1",
            "XXDZMS": "SECRETADDRESS",
            "WFQK": "SECRETRECORD",
            "CREATEDTIME": "20261002080000",
            "LASTUPDATEDTIME": "20261002080000",
            "DELETEFLAG": "0",
        }
        self.insert("B_ASJ_XYRDJ", **{**row, **more})

    def add_victim(self, number: str = NUMBER, row_id: str = "SH1", **more: str | None) -> None:
        row: dict[str, str | None] = {
            "SYSTEMID": row_id,
            "RYBH": f"S{row_id}",
            "AJBH": number,
            "RYJS": "1",
            "XM": "害某",
            "ZJHM": "SECRETIDENTITY",
            "CSRQ": "19800101",
            "LXDH": "19900000003",
            "LXRXM": "害家",
            "LXRDH": "19900000004",
            "CREATEDTIME": "20261001080000",
            "LASTUPDATEDTIME": "20261001080000",
            "DELETEFLAG": "0",
        }
        self.insert("B_ASJ_SHRDJ", **{**row, **more})

    def change(self, table: str, row_id: str, stamp: str, **values: str | None) -> None:
        """Changes one row, and stamps it."""
        pairs = {**values, "LASTUPDATEDTIME": stamp}.items()
        texts = ", ".join(f"{name} = " + ("NULL" if value is None else f"'{value}'") for name, value in pairs)
        self.write(f"UPDATE {table} SET {texts} WHERE SYSTEMID = '{row_id}'")

    def change_case(self, stamp: str, row_id: str = "AJ1", **values: str | None) -> None:
        self.change("B_ASJ_AJ", row_id, stamp, **values)

    def change_suspect(self, stamp: str, row_id: str = "XY1", **values: str | None) -> None:
        self.change("B_ASJ_XYRDJ", row_id, stamp, **values)


def make_empty(path: Path) -> Source:
    """A case system with the tables and the units, without any case."""
    casesystem.create(path, 2, 0, NOW)
    source = Source(path)
    source.write(*(f"DELETE FROM {table}" for table in layout.INDEXES))
    return source


@dataclass
class Adapter:
    """The adapter of one case system, one peer and one state file; each `once` is a new start of it."""

    source_url: str
    peer: Peer
    state_path: Path
    now: datetime = datetime(2026, 11, 25, tzinfo=UTC)
    statements: list[str] | None = None
    folder: Path | None = None

    def environment(self) -> dict[str, str]:
        keys = {f"CASEQ_PUSH_KEY_{source.upper()}": key for source, key in KEYS.items()}
        return {
            **keys,
            "CASEQ_ADAPTER_SOURCE_URL": self.source_url,
            "CASEQ_ADAPTER_SERVICE_URL": self.peer.url,
            "CASEQ_ADAPTER_STATE": str(self.state_path),
        }

    def file(self) -> Path:
        """The shipped mapping, but with quick retries and small chunks."""
        text = B_ASJ.read_text(encoding="utf-8")
        for slow, quick in (
            ("retry_first_seconds = 1\n", "retry_first_seconds = 0.01\n"),
            ("retry_most_seconds = 300\n", "retry_most_seconds = 0.05\n"),
            ("poll_seconds = 10\n", "poll_seconds = 0.1\n"),
            ("chunk_cases = 2000\n", "chunk_cases = 40\n"),
        ):
            assert slow in text
            text = text.replace(slow, quick)
        if self.folder:
            text = re.sub(r'(?m)^url = "\$\{CASEQ_ADAPTER_SERVICE_URL.*$', f'files = "{self.folder}"', text)
        self.state_path.parent.mkdir(exist_ok=True)
        path = self.state_path.parent / "b_asj.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def mapping(self) -> SystemMapping:
        return read_mapping(self.file(), self.environment())

    def feed(self, state: sqlite3.Connection) -> Feed:
        mapping = self.mapping()
        engine = open_engine(mapping.source.url)
        if (kept := self.statements) is not None:
            sql_event.listen(engine, "before_cursor_execute", lambda _c, _u, text, *_: kept.append(text))
        return Feed(mapping, SqlSource(mapping, engine), state, lambda: self.now)

    def once(self, since: str | None = None) -> bool:
        """Polls once and sends everything; whether that went well."""
        state = statefile.open_state(self.state_path)
        feed = self.feed(state)
        second = statefile.open_state(self.state_path)
        carrier = FileCarrier(self.folder, KEYS) if self.folder else HttpsCarrier(self.peer.url, KEYS)
        sender = Sender(second, carrier, feed.mapping.service, time.monotonic)
        is_done = work(Poller(feed, since), sender, True, Event())
        assert isinstance(feed.source, SqlSource)
        feed.source.engine.dispose()
        second.close()
        state.close()
        return is_done

    def pushed(self, since: str | None = None) -> list[dict[str, Any]]:
        """The events that one more `once` brings to the peer."""
        before = len(self.peer.events)
        assert self.once(since)
        return self.peer.events[before:]

    def state(self, query: str) -> list[tuple[str, ...]]:
        """The rows of the state file that this query finds."""
        state = statefile.open_state(self.state_path)
        rows = state.execute(query).fetchall()
        state.close()
        return rows
