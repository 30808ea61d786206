"""Answers that take long to make and may be some minutes old: each process makes them anew when they are too old."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask, current_app

from caseq.web.current import runtime

OLDEST = timedelta(minutes=10)
_EXTENSION = "caseq-kept"
Made = TypeVar("Made")


def prepare(app: Flask) -> None:
    """Nothing is kept yet."""
    app.extensions[_EXTENSION] = _Kept()


def kept(key: object, make: Callable[[], Made]) -> Made:
    """What was made for this key, no longer ago than OLDEST; only one request at a time makes anything."""
    held: _Kept = current_app.extensions[_EXTENSION]
    with held.lock:
        now = runtime().clock()
        made_at, made = held.made.get(key, (None, None))
        if made_at is None or not timedelta() <= now - made_at < OLDEST:
            made = make()
            held.made[key] = (now, made)
        found: Made = made
        return found


class _Kept:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: dict[object, tuple[Any, Any]] = {}
