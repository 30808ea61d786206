"""Serving the application with granian, a WSGI server written for production."""

import os
import socket
import tempfile

BLOCKING_THREADS = 4
BACKPRESSURE = 64


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there. granian shares a port with whoever has it, so it would not notice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first."""
    with tempfile.TemporaryDirectory(prefix="caseq-metrics-") as folder:
        # Read by prometheus_client when it is imported, in the worker processes: their counters add up there.
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
        # Read by app.supervised in the worker processes, which end with this one.
        os.environ["CASEQ_SERVE_PID"] = str(os.getpid())
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
