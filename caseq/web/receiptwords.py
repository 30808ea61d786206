"""A receipt in the words of people: the page to print and the PDF say the same."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from caseq.noticing import Printed
from caseq.rules.case import Kind
from caseq.rules.querynumbers import printed as in_groups
from caseq.settings import Settings
from caseq.web.language import words
from caseq.web.wording import KINDS, MILESTONES, role_word

_STANDING = {"unit": "办案单位和电话", "rights": "权利和义务"}
#: So many characters of the hash stand on the paper.
_SHOWN_HASH = 16


def address_of(settings: Settings, query_number: str) -> str | None:
    """What the picture to scan opens: the page with the number filled in; None where the service has no address."""
    return f"{settings.public_url.rstrip('/')}/q/{query_number}" if settings.public_url else None


def facts(made: Printed, settings: Settings) -> Mapping[str, Any]:
    """What templates/notices/receipt.typ and templates/console/receipt.html print, all of it text."""
    of, zh, bureau = made.receipt, words("zh"), settings.bureau
    strip = made.strip
    address = settings.public_url.rstrip("/") if settings.public_url else None
    return {
        "bureau": bureau.name["zh"],
        "help_phone": bureau.help_phone,
        "help_hours": bureau.help_hours["zh"],
        "fraud_phone": bureau.fraud_phone,
        "emergency_phone": bureau.emergency_phone,
        "address": address and address.removeprefix("https://").removeprefix("http://"),
        "query_number": in_groups(of.query_number),
        "case_number": of.case_number,
        "name": of.name,
        "role": str(zh.say(role_word(of.kind, of.role))),
        "kind": str(zh.say(KINDS[Kind(of.kind)])),
        "unit": "　".join(value for name in ("name", "phone", "address") if (value := of.unit.get(name))),
        "phone": f"尾号 {of.phone_end}（换号请带身份证到窗口改）" if of.phone_end else "没有登记",
        "seen": "、".join(str(_STANDING.get(name) or zh.say(MILESTONES[name])) for name in of.items),
        "rights": [{"title": right.title, "text": right.text} for right in of.rights],
        "sms": of.sms,
        "careful": of.is_careful,
        "copy": made.is_copy,
        "issued": _day(of.issued_on),
        "hash": made.hash[:_SHOWN_HASH],
        "sheet": strip.letter if strip else "",
        "until": _day(strip.valid_until) if strip else "",
        "lines": [{"n": one.n, "typed": one.typed, "keypad": one.keypad} for one in strip.lines] if strip else [],
    }


def _day(day: date) -> str:
    return words("zh").day(day)
