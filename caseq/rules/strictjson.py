"""Strict JSON: what RFC 8259 leaves open, and what a parser could be broken with, is refused."""

import json
import math
import re
from itertools import chain
from typing import Any, NoReturn

import orjson

from caseq.errors import NotJson

DEEPEST = 16

# Possessive, and closed by the end too: an unterminated text must not be read again from each of its quotes.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
_MAY_HIDE_FORBIDDEN = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def loads(body: bytes) -> Any:
    """The value of a JSON text in UTF-8; NotJson for duplicate keys, NaN, numbers out of range, NUL, lone
    surrogates, or nesting deeper than 16."""
    value = _canonical(body)
    return value if value is not None else _any(body)


def _canonical(body: bytes) -> Any:
    """The value of a body that can be written in no other way; None for any other body, right or wrong.

    orjson is quick and not strict: of a key that stands twice it gives the last value. But whatever it gives up does
    not come back when it writes the value again.
    """
    if _MAY_HIDE_FORBIDDEN.search(body):
        return None
    try:
        value = orjson.loads(body)
        is_whole = orjson.dumps(value) == body
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return value if is_whole and not _is_deeper(value, DEEPEST) else None


def _is_deeper(value: Any, most: int) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(most):
        inner = chain.from_iterable(item.values() if type(item) is dict else item for item in level)
        level = [item for item in inner if type(item) in (dict, list)]
        if not level:
            return False
    return True


def _any(body: bytes) -> Any:
    if _depth(body) > DEEPEST:
        raise NotJson(f"nested deeper than {DEEPEST}")
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error
    if _MAY_HIDE_FORBIDDEN.search(body):
        _refuse_forbidden(value)
    return value


def _depth(body: bytes) -> int:
    deepest = depth = 0
    for bracket in _TEXT.sub(b"", body).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > deepest:
            deepest = depth
            if deepest > DEEPEST:
                break
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object names the same key twice")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is out of range")
    return value


def _refuse_forbidden(value: Any) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and _FORBIDDEN.search(item):
            raise NotJson("a text holds NUL or half of a surrogate pair")
        if isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
