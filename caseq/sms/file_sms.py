"""A gateway for development and the demo: every message is one JSON line in a file."""

import fcntl
import json
import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from caseq.errors import OutcomeUnknown, TryLater
from caseq.rules.delivery import Receipt, Status
from caseq.sms.gateway import Accepted, Sms


class FileGateway:
    """Appends messages to `path`; a line is there whole and on disk before `send` returns."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def send(self, sms: Sms) -> Accepted:
        line = {"key": sms.key, "at": datetime.now(UTC).isoformat(), "to": sms.to, "text": sms.text}
        data = (json.dumps(line, ensure_ascii=False) + "\n").encode()
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise TryLater(type(error).__name__) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            sms.check_time()
            os.write(file, data if _ends_a_line(file) else b"\n" + data)
            os.fsync(file)
        except OSError as error:
            raise OutcomeUnknown(type(error).__name__) from error
        finally:
            os.close(file)
        return Accepted(self.name, sms.key)

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:  # noqa: ARG002
        return Accepted(self.name, sms.key) if sms.key not in known and self._has(sms.key) else None

    def receipt(self, sms: Sms, accepted: Accepted, since: datetime) -> Receipt | None:  # noqa: ARG002
        return Receipt(accepted.id, Status.DELIVERED) if self._has(accepted.id) else None

    def _has(self, key: str) -> bool:
        try:
            return any(line["key"] == key for line in self.messages())
        except OSError as error:
            raise OutcomeUnknown(type(error).__name__) from error

    def messages(self) -> list[dict[str, str]]:
        """The messages written so far, oldest first: key, at, to, text. A half-written line is no message."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found


def _ends_a_line(file: int) -> bool:
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"
