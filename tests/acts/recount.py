"""The figures of a year counted once more, by loops over all rows: nothing here is shared with store/reporting.py."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from caseq.store.database import Database

SHANGHAI = ZoneInfo("Asia/Shanghai")
TABLES = [
    "audit",
    "cases",
    "parties",
    "milestones",
    "releases",
    "decisions",
    "outbox",
    "tellings",
    "tasks",
    "ratings",
    "complaints",
]
Row = Mapping[str, Any]
Counts = Counter[tuple[Any, ...]]


class Recount:
    """All rows of a database as the driver gives them, and what they add up to in one year."""

    def __init__(self, database: Database, year: int, now: datetime, grounds: tuple[str, ...]) -> None:
        self.year, self.now, self.grounds = year, now, grounds
        with database.autocommit() as connection:
            self.rows: dict[str, list[dict[str, Any]]] = {
                name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()]
                for name in TABLES
            }
        self.case = {one["id"]: one for one in self.rows["cases"]}
        self.role = {row["id"]: row["role"] for row in self.rows["parties"]}

    def all(self) -> dict[str, Counts]:
        counts = {name: getattr(self, f"_{name}") for name in ("views", "logins", "told", "withheld", "messages")}
        counts |= {"tellings": self._tellings, "tasks": self._tasks}
        counts |= {"ratings": self._ratings, "complaints": self._complaints}
        return {name: Counter(rows()) for name, rows in counts.items()}

    def _month(self, value: Any) -> int | None:
        """The month of a moment of this year, None for one of another."""
        here = moment(value).astimezone(SHANGHAI)
        return here.month if here.year == self.year else None

    def _acts(self, *acts: str) -> Iterator[tuple[int, Row]]:
        for row in self.rows["audit"]:
            if row["act"] in acts and (month := self._month(row["at"])):
                yield month, row

    def _views(self) -> Iterator[tuple[Any, ...]]:
        logins: dict[int, list[Row]] = {}
        for login in self.rows["audit"]:
            if login["act"] == "login":
                logins.setdefault(login["session_id"], []).append(login)
        for month, row in self._acts("view", "phone_view"):
            before = [one for one in logins.get(row["session_id"], []) if moment(one["at"]) <= moment(row["at"])]
            last = max(before, key=lambda one: (moment(one["at"]), one["id"]), default=None)
            channel = "phone" if row["act"] == "phone_view" else facts(last).get("channel", "unknown")
            kind = self.case[row["case_id"]]["kind"] if row["case_id"] else "unknown"
            yield month, kind, self.role.get(row["party_id"], "unknown"), channel

    def _logins(self) -> Iterator[tuple[Any, ...]]:
        for month, row in self._acts("login"):
            yield month, facts(row).get("way", "unknown"), facts(row).get("channel", "unknown")

    def _told(self) -> Iterator[tuple[Any, ...]]:
        for row in self.rows["milestones"]:
            if row["published_at"] and not row["withdrawn"] and self._month(row["due_at"]) and self._is_online(row):
                in_time = moment(row["published_at"]) < moment(row["due_at"])
                yield *self._about(row), "in_time" if in_time else "late"
        for row in self.rows["releases"]:
            if row["state"] in ("waiting", "returned") and self._month(row["due_at"]) and self._is_online(row):
                yield *self._about(row), "open" if moment(row["due_at"]) > self.now else "overdue"

    def _is_online(self, row: Row) -> bool:
        by_hand = ("reconsideration", "compensation", "petition", "regulation")
        return self.case[row["case_id"]]["kind"] not in by_hand

    def _about(self, row: Row) -> tuple[str, str, str]:
        case = self.case[row["case_id"]]
        return case["unit_code"] or case["unit_name"], case["kind"], row["name"]

    def _withheld(self) -> Iterator[tuple[Any, ...]]:
        release = {one["id"]: one for one in self.rows["releases"]}
        for row in self.rows["decisions"]:
            if row["decision"] == "withheld" and self._month(row["at"]):
                ground = row["reason"].split(":")[0]
                unit, kind, name = self._about(release[row["release_id"]])
                yield ground if ground in self.grounds else "unknown", unit, kind, name

    def _messages(self) -> Iterator[tuple[Any, ...]]:
        for row in self.rows["outbox"]:
            if row["purpose"] != "resolve" and (month := self._month(row["created_at"])):
                yield month, row["purpose"], row["state"]

    def _tellings(self) -> Iterator[tuple[Any, ...]]:
        for row in self.rows["tellings"]:
            if month := self._month(row["told_at"]):
                yield month, row["channel"]

    def _tasks(self) -> Iterator[tuple[Any, ...]]:
        for row in self.rows["tasks"]:
            if not self._month(row["made_at"]):
                continue
            due = moment(row["due_at"]) if row["due_at"] else None
            if row["done_at"]:
                status = "in_time" if due is None or moment(row["done_at"]) < due else "late"
            else:
                status = "open" if due is None or due > self.now else "overdue"
            yield row["kind"], status

    def _ratings(self) -> Iterator[tuple[Any, ...]]:
        for row in self.rows["ratings"]:
            if self._month(row["at"]):
                yield row["unit_code"] or "unknown", row["score"]

    def _complaints(self) -> Iterator[tuple[Any, ...]]:
        for row in self.rows["complaints"]:
            if not self._month(row["at"]):
                continue
            due = moment(row["due_at"])
            if row["answered_at"]:
                status = "in_time" if moment(row["answered_at"]) < due else "late"
            else:
                status = "open" if due > self.now else "overdue"
            yield row["unit_code"] or "unknown", row["about"], "second" if row["second_at"] else "first", status


def moment(value: Any) -> datetime:
    """An aware moment of what a driver gives: SQLite keeps it as text in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def facts(row: Row | None) -> dict[str, Any]:
    found = row["facts"] if row else None
    return json.loads(found) if isinstance(found, str) else found or {}
