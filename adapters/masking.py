"""Events as they may be printed: without names, phones and whatever somebody wrote in his own words."""

import re
from collections.abc import Mapping
from typing import Any

from adapters import vocabulary

HIDDEN = "＊＊＊"

_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
#: An identity number or a mobile number, which no key should be made of; beside letters only one with a date of birth.
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15})(?![0-9A-Za-z])"
    rf"|(?<!\d)\d{{6}}(?:(?:18|19|20)\d\d{_DAY}\d{{3}}[\dXx]|\d\d{_DAY}\d{{3}})(?!\d)"
    r"|(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
)
#: What a document is about, as its number says it: 受案, 行罚决. A closed list, for any other word may be a name.
_ABOUT = (
    "[刑行治城经禁交网法信访督立受案接警不予未破撤销拘留逮捕传唤取保监居诉移送鉴听调解协罚决处复查核答告知终侦止"
    "赔违整改责令检停吊扣押没收办发函通电]"
)
_DEPARTMENT = r"[(（〔\[](?:[\u4e00-\u9fff]|刑侦|治安|经侦|禁毒|交警|网安|法制|信访|督察)[)）〕\]]"
#: A document number such as 示公(刑)受案字〔2026〕12号: the place in one letter, agency, department, what about.
_DOCUMENT = re.compile(
    rf"(?:[\u4e00-\u9fff]?(?:公(?:[\u4e00-\u9fff]?{_DEPARTMENT})?|信访){_ABOUT}{{0,8}}字?"
    rf"|(?:[\u4e00-\u9fff]?[政检司法信])?{_ABOUT}{{1,8}}字)?"
    r"[〔\[(（【]\d{4}[〕\])）】]第?[A-Z]{0,4}\d{1,8}号?(?:之[一二三四五六七八九])?"
)
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
    """A key or number as it may be printed: what is neither plain nor a document number between colons is hidden."""
    return ":".join(map(_shown_part, text.split(":")))


def _shown_part(text: str) -> str:
    found = _PERSONAL.sub(HIDDEN, text)
    return found if _DOCUMENT.fullmatch(found) else re.sub(r"[^\x21-\x7e]+", HIDDEN, found)


def _field(name: str, value: Any) -> Any:
    if name in ("unit", "reason"):
        # The reason of a withdrawal is a sentence of the adapter itself.
        return value
    if name == "details":
        return {key: part if key in _CLOSED or key == "penalties" else HIDDEN for key, part in value.items()}
    if name in ("hold", "transferred_to"):
        return {key: part if key in ("until", "on") else HIDDEN for key, part in value.items()}
    if isinstance(value, list):
        return [shown(str(part)) for part in value]
    return shown(value) if isinstance(value, str) else value
