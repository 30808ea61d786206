"""Logs: one JSON object a line on stderr, with the request id and without personal data."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

#: Libraries that would write numbers or addresses of requests into the log below that level. With Aliyun an address is
#: number and code, and urllib3 warns of headers that it cannot read with the address of the request.
_LEVELS = {
    "twilio": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "urllib3": logging.ERROR,
    "alembic": logging.WARNING,
    "flask-limiter": logging.WARNING,
    "sqlalchemy": logging.WARNING,
}
#: Libraries that ask a provider: what they say of a request quotes its address, and with it a telephone number.
_ASKING = ("twilio", "httpx", "httpcore", "urllib3")


def without_requests(record: logging.LogRecord) -> bool:
    """False for a line that may hold part of a request, whatever level somebody gave its logger.

    A warning of a library that asks a provider stays, but without the values that were to be put into it.
    """
    library = record.name.split(".")[0]
    if record.levelno < _LEVELS.get(library, logging.NOTSET):
        return False
    if library in _ASKING:
        record.args = ()
    return True


def without_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event without the texts of exceptions: they may quote what was being worked on. Type and place stay."""
    for raised in event.get("exception", ()):
        if isinstance(raised, dict):
            raised.pop("exc_value", None)
            raised.pop("exc_notes", None)
    return event


def configure(level: int = logging.INFO) -> None:
    """Send our own lines and those of libraries to stderr as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[Any] = [
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        without_values,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    handler.addFilter(without_requests)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    quieten()


def quieten() -> None:
    """Let no library write what may hold a number, whatever the level of our own lines is."""
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)
