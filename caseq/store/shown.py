"""Fingerprints of what a person sees of a record: enough to know later whether it is still the same, and no more."""

import json

from caseq.store.sealing import Sealer

Shown = tuple[object, ...]
_PURPOSE = "shown"


def fingerprint(sealer: Sealer, shown: Shown | None) -> str | None:
    """The fingerprint under the newest key; None for nothing."""
    return None if shown is None else sealer.fingerprint(_PURPOSE, _text(shown))


def is_other(sealer: Sealer, shown: Shown | None, fingerprint_: str | None) -> bool:
    """Whether this is not what the fingerprint, made under any live key, was made of."""
    if shown is None or fingerprint_ is None:
        return (shown is None) != (fingerprint_ is None)
    return fingerprint_ not in sealer.fingerprints(_PURPOSE, _text(shown))


def _text(shown: Shown) -> str:
    return json.dumps(shown, default=str, ensure_ascii=False, sort_keys=True)
