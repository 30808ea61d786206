"""The far side of an air gap: reads push files as the service does, and keeps what they bring."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters import statefile
from caseq.rules import signing
from tests.adapters.bench import Adapter
from tests.adapters.peer import KEYS, Peer, Request

_NAME = re.compile(r"([a-z_]+)-(\d{10})\.push")
_COPY = re.compile(r"full-([0-9A-Za-z]+)-(\d+)of(\d+)-.*")


@dataclass(frozen=True)
class PushFile:
    """One file, taken apart and checked."""

    source: str
    batch: int
    message_id: str
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(json.loads(self.body))

    @property
    def part(self) -> tuple[str, int, int] | None:
        """The copy's id, the part and how many parts there are."""
        found = _COPY.fullmatch(self.message_id)
        return (found[1], int(found[2]), int(found[3])) if found else None


def read_file(path: Path) -> PushFile:
    """The file at this path; an assertion fails if it is not as docs/push.md says."""
    named = _NAME.fullmatch(path.name)
    assert named, path.name
    content = path.read_bytes()
    first, _, body = content.partition(b"\n")
    header = json.loads(first)
    assert header.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature", "source", "batch"}
    assert (header["source"], header["batch"]) == (named[1], int(named[2]))
    stamp = int(header["webhook-timestamp"])
    key = KEYS[header["source"]]
    assert header["webhook-signature"] == signing.sign(key, header["webhook-id"], stamp, body)
    assert header["webhook-id"].endswith(f"-{named[1]}-{header['batch']}")
    found = PushFile(header["source"], header["batch"], header["webhook-id"], body)
    assert len(found.events) <= 1000
    assert len(body) <= 2 * 1024 * 1024
    return found


def read_folder(folder: Path) -> list[PushFile]:
    """All files of the folder in the order of their numbers, each source by itself."""
    return sorted(map(read_file, folder.glob("*.push")), key=lambda file: (file.source, file.batch))


@dataclass
class Gate:
    """Carries files over, and remembers the bytes of each number: they must never differ."""

    folder: Path
    peer: Peer = field(default_factory=Peer)
    seen: dict[str, bytes] = field(default_factory=dict)

    def look(self) -> None:
        """Remembers what is in the folder now."""
        for path in self.folder.glob("*.push"):
            content = path.read_bytes()
            assert self.seen.setdefault(path.name, content) == content, path.name

    def replay(self) -> None:
        """Brings all files over that are in the folder."""
        for file in read_folder(self.folder):
            request = Request(file.source, file.message_id, file.events, True, True)
            status, _ = self.peer.answer(request)
            assert status == 200


def age_copies(adapter: Adapter) -> None:
    """Makes the newest full copies of this adapter old enough for the next ones."""
    state = statefile.open_state(adapter.state_path)
    state.execute("UPDATE full_copy SET begun_at = '2020-01-01T00:00:00+00:00'")
    state.close()
