"""Answers to codes come no sooner than a fixed time after they were sent, so that a stopwatch tells nothing."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from caseq.web.current import runtime

P = ParamSpec("P")
T = TypeVar("T")


def even(view: Callable[P, T]) -> Callable[P, T]:
    """The view, whose answer waits until `login.answer_milliseconds` are over; a slower one is not held back."""

    @wraps(view)
    def waiting(*arguments: P.args, **named: P.kwargs) -> T:
        began = time.perf_counter()
        answer = view(*arguments, **named)
        rest = runtime().settings.login.answer_milliseconds / 1000 - (time.perf_counter() - began)
        if rest > 0:
            time.sleep(rest)
        return answer

    return waiting
