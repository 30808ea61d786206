"""Push files as a case system behind an air gap writes them, and a folder they arrive in."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caseq.receiver import Receiver
from caseq.rules import signing
from caseq.runtime import Runtime
from tests.service import KEYS, NOON


def content(
    batch: int,
    *events: dict[str, Any],
    source: str = "criminal",
    message_id: str | None = None,
    body: bytes | None = None,
    key: str | None = None,
    at: float = NOON.timestamp(),
    **header: Any,
) -> bytes:
    """The bytes of a push file; `header` replaces what the first line says after the signing."""
    body = json.dumps(list(events)).encode() if body is None else body
    message_id = message_id if message_id is not None else f"file-{source}-{batch}"
    signed = signing.headers(key or KEYS[source], message_id, int(at), body)
    line = {**signed, "source": source, "batch": batch, **header}
    return json.dumps(line).encode() + b"\n" + body


def part_of(copy_id: str, part: int, parts: int, batch: int, source: str = "criminal") -> str:
    """The webhook-id of one part of a full copy."""
    return f"full-{copy_id}-{part}of{parts}-{source}-{batch}"


@dataclass
class Inbox:
    """A folder, and a receiver that looks at it."""

    folder: Path
    runtime: Runtime
    said: list[str] = field(default_factory=list)

    def put(self, batch: int, *events: dict[str, Any], name: str | None = None, **more: Any) -> Path:
        """Let a push file arrive."""
        source = more.get("source", "criminal")
        return self.put_bytes(content(batch, *events, **more), name or f"{source}-{batch:010}.push")

    def put_bytes(self, data: bytes, name: str | None = None) -> Path:
        path = self.folder / (name or f"{secrets.token_hex(4)}.push")
        path.write_bytes(data)
        return path

    def receive(self) -> bool:
        """One look, as `caseq receive DIR` takes it; whether all was well."""
        self.said.clear()
        return Receiver(self.runtime, self.folder, self.said.append).round()

    def names(self, inside: str = ".") -> Sequence[str]:
        """The names of the files that lie there, or in taken or refused."""
        folder = self.folder / inside
        return sorted(path.name for path in folder.iterdir() if not path.is_dir()) if folder.exists() else []

    def reason(self, name: str) -> str:
        """What stands beside a refused file."""
        return (self.folder / "refused" / f"{name}.txt").read_text(encoding="utf-8")
