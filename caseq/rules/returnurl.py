"""Addresses to which a person may be sent back: exact origin and a path below a listed one, https only."""

import re
from collections.abc import Sequence

LONGEST = 1000

# What RFC 3986 lets stand there, and no more: browsers mend the rest (backslashes, tabs, user@host) in their own way.
_ADDRESS = re.compile(
    r"(?P<origin>https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?)"
    r"(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*)"
    r"(?P<rest>(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?(?:#[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)"
)
# A step up, a slash or a backslash, however it is written, would leave the listed path.
_LEAVES_THE_PATH = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)|%2f|%5c|%25|//", re.IGNORECASE)


def is_listed(url: str, listed: Sequence[str]) -> bool:
    """Whether this address lies below one of the listed ones; nothing about it is guessed or mended."""
    parts = _parts(url)
    if parts is None:
        return False
    origin, path, _ = parts
    return any(_is_below(origin, path, allowed) for allowed in listed)


def fault(url: str) -> str | None:
    """Why this cannot be one of the listed addresses; None if it can."""
    parts = _parts(url)
    if parts is None:
        return "must be an address such as https://query.example.org/progress/, in lower case up to its path"
    return "must end with its path: leave out ? and #" if parts[2] else None


def _is_below(origin: str, path: str, allowed: str) -> bool:
    parts = _parts(allowed)
    if parts is None or parts[0] != origin:
        return False
    return path == parts[1] or path.startswith(parts[1].removesuffix("/") + "/")


def _parts(url: str) -> tuple[str, str, str] | None:
    """Origin, path (at least a slash) and the rest; None for anything that is not plainly such an address."""
    found = _ADDRESS.fullmatch(url) if len(url) <= LONGEST else None
    if found is None or _LEAVES_THE_PATH.search(found["path"]):
        return None
    return found["origin"], found["path"] or "/", found["rest"]
