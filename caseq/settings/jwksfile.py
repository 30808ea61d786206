"""The JWK Set (RFC 7517) of one regional system, as a file; and that file read again while the service runs."""

import re
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from caseq.errors import ConfigurationError, Fault, NotJson
from caseq.rules import strictjson
from caseq.rules.linkkeys import LinkKey, link_key

LOOK_SECONDS = 5

_LINE = re.compile(r"line (\d+)")


class JwksFile:
    """The keys in a file as it is now, so that a key that was taken out is dead within seconds, without a restart.

    The file is read, not its time looked at: a copy that keeps its time would go unnoticed.
    """

    def __init__(
        self, path: Path, algorithms: Collection[str], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._algorithms = algorithms
        self._monotonic = monotonic
        self._looked_at: float | None = None
        self._found: Mapping[str, LinkKey] | tuple[Fault, ...] = {}

    def keys(self) -> Mapping[str, LinkKey]:
        """The keys by ``kid``, at most some seconds old; ConfigurationError, and no key at all, if any is wrong."""
        now = self._monotonic()
        if self._looked_at is None or not 0 <= now - self._looked_at < LOOK_SECONDS:
            self._found, self._looked_at = self._read(), now
        if isinstance(self._found, tuple):
            raise ConfigurationError(self._found)
        return self._found

    def _read(self) -> Mapping[str, LinkKey] | tuple[Fault, ...]:
        try:
            return read_jwks(self._path, self._algorithms)
        except ConfigurationError as error:
            return error.faults


def read_jwks(path: Path, algorithms: Collection[str]) -> dict[str, LinkKey]:
    """The keys of a file by ``kid``; ConfigurationError with everything wrong in it. A file may hold no key."""
    try:
        text = path.read_bytes()
        jwks = strictjson.loads(text)
    except OSError as error:
        raise ConfigurationError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from error
    except NotJson as error:
        line = _LINE.search(str(error))
        fault = Fault(str(path), int(line[1]) if line else None, "syntax", str(error))
        raise ConfigurationError([fault]) from error
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list):
        raise ConfigurationError([Fault(str(path), None, "keys", 'must be a JWK Set: {"keys": [...]}')])
    return _keys(path, text.decode(), listed, algorithms)


def _keys(path: Path, text: str, listed: list[Any], algorithms: Collection[str]) -> dict[str, LinkKey]:
    found: dict[str, LinkKey] = {}
    faults: list[Fault] = []
    for position, jwk in enumerate(listed):
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if not isinstance(kid, str) or not kid:
            faults.append(Fault(str(path), None, f"keys.{position}", "needs a name of its own in kid"))
            continue
        key = "has the kid of a key above" if kid in found else link_key(jwk, algorithms)
        if isinstance(key, str):
            faults.append(Fault(str(path), _line(text, kid, kid in found), f"keys.{position}", key))
        else:
            found[kid] = key
    if faults:
        raise ConfigurationError(faults)
    return found


def _line(text: str, kid: str, is_second: bool) -> int | None:
    """The line on which the name of a key is written, the last one if it is there twice."""
    written = f'"{kid}"'
    place = text.rfind(written) if is_second else text.find(written)
    return text.count("\n", 0, place) + 1 if place >= 0 else None
