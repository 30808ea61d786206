"""People and premises that the demo's case system does not know: a complainant, a lawyer, a third party, a hotel."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from caseq.demo.casesystem import Person
from caseq.rules import signing
from caseq.rules.case import BUREAU_TIME, MilestoneName, Role

HOTEL = "A6401215100002026100901"
#: role: (name, phone), all invented
PEOPLE: Mapping[Role, tuple[str, str]] = {
    Role.COMPLAINANT: ("示例控告人", "19955500000"),
    Role.AGENT: ("示例律师", "19955500001"),
    Role.THIRD_PARTY: ("示例第三人", "19955500002"),
    Role.TRADE_MEMBER: ("晨光宾馆", "19955500003"),
}
_UNIT = {"name": "示例县公安局治安管理大队", "address": "示例县中心路1号", "phone": "0951-8011002"}


def push(service: str, keys: Mapping[str, str], path: Path, known: Sequence[Person]) -> list[Person]:
    """Push parties into the criminal show case of the case system at `path`, and a hotel with its records."""
    case_number = next(person.case_number for person in known if person.kind == "criminal")
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT RYBH FROM B_ASJ_XYRDJ WHERE AJBH = ? ORDER BY SYSTEMID", (case_number,))
        subject, appeared_on = found.fetchone()[0], _ago(60)[:10]
    added = [Role.COMPLAINANT, Role.AGENT, Role.THIRD_PARTY]
    side = {"subject": subject, "appeared_on": appeared_on}
    parties = [_party(role, {} if role is Role.COMPLAINANT else side) for role in added]
    _send(service, "criminal", keys, [_event("criminal", "party", case_number, data) for data in parties])
    _send(service, "trade", keys, _hotel())
    people = [Person(role, "criminal", case_number, *PEOPLE[role]) for role in added]
    return [*people, Person(Role.TRADE_MEMBER, "trade", HOTEL, *PEOPLE[Role.TRADE_MEMBER])]


def push_waiting(service: str, keys: Mapping[str, str], path: Path, known: Sequence[Person]) -> None:
    """Push milestones of the show cases to which the bureau has to agree first, one of them overdue."""
    fine = {
        "details": {"penalties": [{"kind": "fine", "amount": 200}]},
        "document_number": "示公（城）行罚决字〔2026〕66号",
    }
    sent = {"details": {"procuratorate": "示例县人民检察院"}}
    waiting = (
        ("administrative", MilestoneName.PENALTY_DECISION, 20, fine),
        ("administrative", MilestoneName.MEDIATION, 6, {"details": {"place": "城关派出所调解室"}}),
        ("criminal", MilestoneName.TRANSFERRED_FOR_PROSECUTION_REVIEW, 1, sent),
    )
    for kind, name, days, more in waiting:
        case_number = next(person.case_number for person in known if person.kind == kind)
        with closing(sqlite3.connect(path)) as database:
            found = database.execute("SELECT RYBH FROM B_ASJ_XYRDJ WHERE AJBH = ? ORDER BY SYSTEMID", (case_number,))
            subject = found.fetchone()[0]
        occurred = {"milestone": f"demo-waits-{name}", "name": name, "occurred_on": _ago(days)[:10], "subject": subject}
        _send(
            service, kind, keys, [{**_event(kind, "milestone", case_number, {**occurred, **more}), "time": _ago(days)}]
        )


def _party(role: Role, side: Mapping[str, Any]) -> dict[str, Any]:
    name, phone = PEOPLE[role]
    return {"party": f"demo-{role}", "role": role, "name": name, "phone": phone, "sms": True, **side}


def _hotel() -> list[dict[str, Any]]:
    inspected = {
        "milestone": "demo-inspection",
        "name": MilestoneName.INSPECTION,
        "occurred_on": _ago(50)[:10],
        "details": {"inspection_kind": "住宿登记抽查", "result": "两间房未登记同住人", "rectify_by": _ago(40)[:10]},
    }
    fined = {
        "milestone": "demo-penalty",
        "name": MilestoneName.TRADE_PENALTY,
        "occurred_on": _ago(45)[:10],
        "document_number": "示公（治）行罚决字〔2026〕88号",
        "details": {"penalties": [{"kind": "fine", "amount": 500}]},
    }
    case = {"kind": "trade", "opened_on": _ago(50)[:10], "unit": _UNIT, "trade": "旅馆业"}
    records = [("case", case), ("milestone", inspected), ("milestone", fined), ("party", _party(Role.TRADE_MEMBER, {}))]
    return [_event("trade", record, HOTEL, data) for record, data in records]


def _ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).astimezone(BUREAU_TIME).isoformat(timespec="seconds")


def _event(source: str, record: str, case_number: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"demo-{secrets.token_hex(8)}",
        "source": source,
        "type": f"caseq.{record}.v1",
        "subject": case_number,
        "time": _ago(60),
        "sequence": "1",
        "data": data,
    }


def _send(service: str, source: str, keys: Mapping[str, str], events: list[dict[str, Any]]) -> None:
    body = json.dumps(events).encode()
    headers = signing.headers(keys[source], f"demo_{secrets.token_hex(8)}", int(time.time()), body)
    headers["Content-Type"] = "application/cloudevents-batch+json"
    answer = requests.post(f"{service}/push/v1/{source}", data=body, headers=headers, timeout=30)
    answer.raise_for_status()
    refused = [result for result in answer.json()["results"] if result["outcome"] != "accepted"]
    if refused:
        raise RuntimeError(f"the service did not take the demo's own events: {refused}")
