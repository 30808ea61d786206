"""Serving the application with granian, a WSGI server written for production."""

import os
import tempfile

BLOCKING_THREADS = 4
BACKPRESSURE = 64


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first."""
    with tempfile.TemporaryDirectory(prefix="caseq-metrics-") as folder:
        # Read by prometheus_client when it is imported, in the worker processes: their counters add up there.
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
        from granian import Granian
        from granian.constants import Interfaces

        Granian(
            "caseq.app:supervised",
            factory=True,
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=BLOCKING_THREADS,
            backpressure=BACKPRESSURE,
            respawn_failed_workers=True,
            log_access=False,
        ).serve()
