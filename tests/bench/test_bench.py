"""`caseq bench` runs to its end and prints a table of ratios."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import ROOT


@pytest.mark.slow
def test_a_small_run_prints_ratios(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "caseq.cli", "bench", "--quick", "--engine", "sqlite", "--cases", "60"]
    done = subprocess.run(
        [*command, "--json", "out.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    measured = json.loads((tmp_path / "out.json").read_text())
    rows = {(row["what"], row["against"]): row["values"] for row in measured["rows"]}
    assert all(value > 0 for values in rows.values() for value in values)
    assert rows["push, in process", "ORM row by row"]
    assert rows["status query, requests/s", "bare Flask, same bytes"]
    assert any(what.startswith("adapter") and against == "reading alone" for what, against in rows)
    assert "bare Flask, same bytes" in done.stdout


@pytest.mark.slow
def test_the_wall_has_a_line_of_its_own(postgresql_server: str, tmp_path: Path) -> None:
    url = postgresql_server.replace("+psycopg", "")
    command = [sys.executable, "-m", "caseq.cli", "bench", "--quick", "--engine", "postgresql", "--cases", "60"]
    done = subprocess.run(
        [*command, "--only", "inprocess", "--postgres-url", url, "--json", "out.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    (values,) = [row["values"] for row in rows if row["against"] == "without the wall"]
    assert all(value > 0 for value in values)


def test_an_unknown_option_is_wrong_usage(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "caseq.cli", "bench", "--faster"]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert done.returncode == 2
