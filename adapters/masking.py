"""Events as they may be printed: without names, phones and whatever somebody wrote in his own words."""

import re
from collections.abc import Mapping
from typing import Any

from adapters import vocabulary

HIDDEN = "＊＊＊"

#: Words that are nobody's: dates, closed words such as criminal_detention, plain codes.
_PLAIN = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
#: An identity number or a mobile number, which no key should be made of.
_PERSONAL = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15}|(?:\+?86)?1[3-9]\d{9})(?![0-9A-Za-z])")
#: A document number such as 示公(刑)受案字〔2026〕12号.
_DOCUMENT = re.compile(r"[\w()（）]{0,20}[〔\[(（【]\d{4}[〕\])）】]\w{0,6}\d{1,8}号?(?:之[一二三四五六七八九])?")
_CLOSED = frozenset(vocabulary.DETAIL_VALUES) | vocabulary.DATES | vocabulary.FLAGS
_OF_PERSONS = frozenset({"name", "phone"})


def masked(event: Mapping[str, Any]) -> dict[str, Any]:
    """This event with everything hidden that may tell of a person; the handling unit is public and stays."""
    data = event["data"]
    if event["type"] == "caseq.party.v1":
        data = {key: HIDDEN if key in _OF_PERSONS else value for key, value in data.items()}
    return {
        **event,
        "subject": shown(str(event.get("subject", ""))),
        "data": {k: _field(k, v) for k, v in data.items()},
    }


def shown(text: str) -> str:
    """A key or number as it may be printed: what is neither plain nor a document number is hidden."""
    if _DOCUMENT.fullmatch(text):
        return text
    return _PERSONAL.sub(HIDDEN, re.sub(r"[^\x21-\x7e]+", HIDDEN, text))


def _field(name: str, value: Any) -> Any:
    if name in ("unit", "reason"):
        # The reason of a withdrawal is a sentence of the adapter itself.
        return value
    if name == "details":
        return {key: part if key in _CLOSED or key == "penalties" else HIDDEN for key, part in value.items()}
    if name in ("hold", "transferred_to"):
        return {key: _word(part) if key == "reason" else part for key, part in value.items()}
    if isinstance(value, list):
        return [shown(str(part)) for part in value]
    return shown(value) if isinstance(value, str) else value


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else HIDDEN
