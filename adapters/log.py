"""One JSON object a line on stderr; only ids and counts, never a name, a phone or a value of a row."""

import logging
import sys

import structlog


def start_log(level: int = logging.INFO) -> None:
    """Sends all log lines of this process to stderr as JSON."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
