"""Brings batches to a folder as signed files, for a one-way air gap: nobody answers, so a file in place must do."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from adapters.carriers.carrier import Answered, Parcel, Postponed
from caseq.rules import signing


class FileCarrier:
    """Push files in the folder `folder`; `keys` holds the signing key of each push source."""

    down_event = "carrier_down"
    up_event = "carrier_up"

    def __init__(self, folder: Path, keys: Mapping[str, str]) -> None:
        self.folder = folder
        self.keys = keys

    def send(self, parcel: Parcel) -> Answered | Postponed:
        """Writes the parcel's file, and renames it into place once the disk has it."""
        name = f"{parcel.source}-{parcel.batch:010d}.push"
        try:
            self._write(name, push_file(self.keys[parcel.source], parcel))
        except OSError as error:
            return Postponed(type(error).__name__ if error.errno is None else os.strerror(error.errno))
        return Answered({})

    def _write(self, name: str, content: bytes) -> None:
        unfinished = self.folder / f"{name}.tmp"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            unfinished.rename(self.folder / name)
        except OSError:
            # A half file would only take up the room that is missing.
            unfinished.unlink(missing_ok=True)
            raise
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def fault(self) -> str:
        """Why no file can be put into the folder, '' if nothing is known to be in the way."""
        if not self.folder.is_dir():
            return "no such folder"
        return "" if os.access(self.folder, os.W_OK | os.X_OK) else "cannot be written"

    def newest(self, source: str) -> int:
        """The highest number of a file of this source in the folder, 0 if there is none."""
        pattern = re.compile(rf"{re.escape(source)}-(\d{{10}})\.push")
        try:
            found = [pattern.fullmatch(name) for name in os.listdir(self.folder)]
        except OSError:
            return 0
        return max((int(name[1]) for name in found if name), default=0)


def push_file(key: str, parcel: Parcel) -> bytes:
    """The bytes of the parcel's file: a line with the signed headers, source and number, then the batch."""
    headers = signing.headers(key, parcel.message_id, parcel.stamp, parcel.body)
    first = {**headers, "source": parcel.source, "batch": parcel.batch}
    return json.dumps(first).encode() + b"\n" + parcel.body
