"""One adapter in a process of its own, so that its time and its memory can be told; prints both as JSON.

`python -m bench.adapter_run read|push MAPPING`: read every case, map it to events and keep nothing, or the real
`run --once`.
"""

import json
import os
import sys
import time
from pathlib import Path

from click.testing import CliRunner

from adapters import bookmark, statefile, work
from adapters.changes import changes
from adapters.feed import find_changes
from adapters.mapping_file import read_mapping
from adapters.moments import LOCAL_TIME
from adapters.records import read_case
from adapters.run import main as adapter


def read_and_map(path: Path) -> int:
    """Reads every case in chunks as the adapter does, and maps its rows to events; how many events there are."""
    mapping = read_mapping(path, os.environ)
    state = statefile.open_copy(Path(mapping.state))
    events = 0
    with work.open_source(mapping, Path(mapping.state)) as source:
        feed = work.open_feed(mapping, state, source)
        find_changes(feed)
        now = feed.clock()
        today = now.astimezone(LOCAL_TIME).date()
        while numbers := bookmark.pending_cases(state, mapping.source.chunk_cases):
            readings = (read_case(mapping, case, {}, today) for case in source.cases(numbers))
            events += sum(len(changes(reading, (), now)) for reading in readings)
            bookmark.drop_pending(state, numbers)
    return events


def push(path: Path) -> int:
    """The command itself, once; 0."""
    done = CliRunner().invoke(adapter, ["run", "--once", str(path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output[-2000:]
    return 0


def peak_bytes() -> int:
    """The most that was resident of this process; 0 where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def main(what: str, path: Path) -> None:
    """Do it and print what it took."""
    began = time.perf_counter()
    events = {"read": read_and_map, "push": push}[what](path)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes(), "events": events}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
