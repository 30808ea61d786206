"""Values that stand nowhere else, so that each can be found on a page; the same seed gives the same ones."""

import html
import re
from datetime import date, datetime, timedelta
from typing import Any

from caseq.rules.case import DETAIL_FIELDS, MilestoneName

SEEDS = range(3)
NAMES = list(MilestoneName)
DATES = ("perform_by", "reappraisal_until", "statement_until", "rectify_by", "review_by")
CHOICES: dict[str, tuple[object, ...]] = {
    "measure": ("criminal_detention", "arrest", "bail_pending_trial"),
    "action": ("imposed", "changed", "extended"),
    "phase": ("scheduled", "held", "accepted"),
    "outcome": ("agreed", "failed", "agreed"),
    "performed": (True, False, True),
    "penalties": ([{"kind": "fine", "amount": 200}], [{"kind": "warning"}], [{"kind": "fine", "amount": 500}]),
}
_ZH = re.compile(r"(19\d\d)年(\d{1,2})月(\d{1,2})日")
_EN = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (19\d\d)")
_ISO = re.compile(r"19\d\d-\d\d-\d\d")


def of(name: str, seed: int) -> dict[str, Any]:
    """occurred_on, document_number and all details of a milestone of this name."""
    base = NAMES.index(MilestoneName(name)) * 100 + seed

    def day(n: int) -> str:
        return (date(1960, 1, 1) + timedelta(days=base + n)).isoformat()

    details: dict[str, object] = {}
    for n, field in enumerate(sorted(DETAIL_FIELDS[MilestoneName(name)]), start=1):
        if field in DATES:
            details[field] = day(10 * n)
        else:
            details[field] = CHOICES[field][seed] if field in CHOICES else marker(f"{base}x{n}")
    return {"occurred_on": day(0), "document_number": marker(f"{base}x0"), "details": details}


def marker(what: str) -> str:
    return f"QZ{what}QZ"


def found(text: str) -> set[str]:
    """The markers and the made-up days that stand in a text, however a day is written there."""
    text = html.unescape(text)
    days = {date(int(y), int(m), int(d)).isoformat() for y, m, d in _ZH.findall(text)}
    for d, month, y in _EN.findall(text):
        days.add(datetime.strptime(f"{d} {month} {y}", "%d %b %Y").date().isoformat())
    return set(re.findall(r"QZ\w+?QZ", text)) | days | set(_ISO.findall(text))
