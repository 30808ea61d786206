"""The adapter: reading and mapping alone; with the push into a real service, and into one that keeps nothing."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import databases, dataset, servers
from bench.results import Row, Target, ratios
from caseq.demo import casesystem
from caseq.settings.shipped import shipped

_GIVEN = Path(__file__).resolve().parents[2] / "shared" / "casesystems" / "b_asj.py"
_COUNT = """
SELECT (SELECT count(*) FROM B_ASJ_AJ) + (SELECT count(*) FROM B_ASJ_XYRDJ) + (SELECT count(*) FROM B_ASJ_SHRDJ)
"""
#: The id of a row ends in the serial number of its case, and in one digit more if it is a person's.
_NUMBER_APART = """
CREATE TEMP TABLE numbering AS SELECT CAST(substr(SYSTEMID, 4) AS INTEGER) AS serial, substr(AJBH, 1, 19) ||
  printf('%04d', row_number() OVER (PARTITION BY substr(AJBH, 1, 19) ORDER BY SYSTEMID)) AS own FROM B_ASJ_AJ;
CREATE UNIQUE INDEX temp.numbering_serial ON numbering (serial);
BEGIN;
UPDATE B_ASJ_AJ SET AJBH = (SELECT own FROM numbering WHERE serial = CAST(substr(SYSTEMID, 4) AS INTEGER));
UPDATE B_ASJ_XYRDJ SET AJBH = (SELECT own FROM numbering WHERE serial = CAST(substr(SYSTEMID, 4) AS INTEGER) / 10);
UPDATE B_ASJ_SHRDJ SET AJBH = (SELECT own FROM numbering WHERE serial = CAST(substr(SYSTEMID, 4) AS INTEGER) / 10);
COMMIT;
VACUUM;
"""
_ROWS_OF_A_CASE = 3.1
_OF_READING = Target(0.5)


@dataclass
class _Scores:
    """Rows per second, and the most memory of the adapter, round by round."""

    per_second: list[float] = field(default_factory=list)
    peak_megabytes: list[float] = field(default_factory=list)


def compare(engines: Sequence[str], postgres: str, rows: Sequence[int], rounds: int, folder: Path) -> list[Row]:
    """What the adapter does with case systems of so many rows."""
    found = []
    for wanted in rows:
        own = folder / f"adapter-{wanted}"
        own.mkdir()
        count = _case_system(own / "cases.db", wanted)
        scores = {way: _Scores() for way in ("read", "sink", *engines)}
        for turn in range(rounds if wanted <= 20_000 else 1):
            for way, score in scores.items():
                place = own / f"{way}-{turn}"
                place.mkdir()
                took = _one(way, postgres, own / "cases.db", place)
                score.per_second.append(count / took["seconds"])
                score.peak_megabytes.append(took["peak_bytes"] / 1e6)
        found += _rows(f"{count:,} rows", scores, engines)
    return found


def _rows(size: str, scores: Mapping[str, _Scores], engines: Sequence[str]) -> list[Row]:
    alone, sink = scores["read"], scores["sink"]
    what = f"adapter, {size}"
    rows = [
        Row(f"{what}: read and map", "", "", alone.per_second, unit=" rows/s"),
        Row(f"{what}: with the push", "reading alone; pushed into nothing", "", _of(sink, alone), _OF_READING),
    ]
    for engine in engines:
        score = scores[engine]
        rows += [
            Row(f"{what}: with the push", "", engine, score.per_second, unit=" rows/s"),
            Row(f"{what}: with the push", "reading alone", engine, _of(score, alone), _OF_READING),
            Row(f"{what}: with the push", "pushed into nothing", engine, _of(score, sink)),
            Row(f"{what}: peak RSS", "the adapter's process", engine, score.peak_megabytes, unit=" MB"),
        ]
    return rows


def _of(above: _Scores, below: _Scores) -> list[float]:
    return ratios(above.per_second, below.per_second)


def _one(way: str, postgres: str, cases: Path, folder: Path) -> dict[str, float]:
    """Seconds and memory of one adapter from nothing to the end."""
    with ExitStack() as opened:
        url = "http://127.0.0.1:9"
        if way == "sink":
            url = _url(opened.enter_context(servers.reference("bench.sink:from_environment", {}, folder)).port)
        elif way != "read":
            url = opened.enter_context(_service(way, postgres, folder))
        return _adapter("read" if way == "read" else "push", cases, url, folder)


@contextmanager
def _service(engine: str, postgres: str, folder: Path) -> Iterator[str]:
    """The address of a service on an empty database."""
    with databases.made(engine, postgres, folder) as place:
        port = servers.free_port()
        environ = {**dataset.environment(place.url, port), **_keys()}
        with servers.service(environ, folder, port):
            yield _url(port)


def _adapter(what: str, cases: Path, url: str, folder: Path) -> dict[str, float]:
    mapping = shipped("config") / "adapters" / "b_asj.toml"
    environ = {
        "CASEQ_ADAPTER_SOURCE_URL": f"sqlite:///{cases}",
        "CASEQ_ADAPTER_SERVICE_URL": url,
        "CASEQ_ADAPTER_STATE": str(folder / "adapter.db"),
        **_keys(),
    }
    command = [sys.executable, "-m", "bench.adapter_run", what, str(mapping)]
    with (folder / "adapter.log").open("ab") as log:
        done = subprocess.run(
            command, env=servers.environment(environ), cwd=folder, stdout=subprocess.PIPE, stderr=log, check=False
        )
    assert done.returncode == 0, (folder / "adapter.log").read_text(encoding="utf-8")[-2000:]
    return dict(json.loads(done.stdout))


def _keys() -> dict[str, str]:
    return {f"CASEQ_PUSH_KEY_{source}": dataset.PUSH_KEY for source in ("CRIMINAL", "ADMINISTRATIVE")}


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _case_system(path: Path, rows: int) -> int:
    """Makes a B_ASJ case system of about so many rows; how many it has."""
    cases = round(rows / _ROWS_OF_A_CASE)
    if _GIVEN.exists():
        command = [sys.executable, str(_GIVEN), "new", "--out", str(path), "--cases", str(cases)]
        subprocess.run(command, env=dict(os.environ), check=True, capture_output=True)
        _number_apart(path)
    else:
        casesystem.create(path, cases, 7, datetime.now(UTC))
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute(_COUNT).fetchone()[0])


def _number_apart(path: Path) -> None:
    """Gives every case a number of its own: of 10,000 cases and more the given program has some that share theirs, and
    an adapter sends nothing of those."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_NUMBER_APART)
