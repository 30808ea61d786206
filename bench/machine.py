"""What the measurements ran on, and what a process costs there. Processor times and sizes come from /proc."""

import os
import platform
import sqlite3
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

_PROC = Path("/proc")


def name() -> str:
    """The machine and the interpreter in one line."""
    return f"{_cpu()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def programs(postgresql: str | None) -> str:
    """The versions of what is measured, in one line."""
    packages = ", ".join(f"{package} {version(package)}" for package in ("granian", "flask", "sqlalchemy", "psycopg"))
    server = f"PostgreSQL {postgresql}, " if postgresql else ""
    return f"{server}SQLite {sqlite3.sqlite_version}, {packages}"


def _cpu() -> str:
    try:
        lines = (_PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in _PROC.glob(f"{parent}/task/*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def processor_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes so far; 0 where there is no /proc."""
    ticks = 0
    for pid in pids:
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """The resident size of one process; 0 where there is no /proc."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
