"""Made-up cases, and sessions that may read them, stored by the service's own acts."""

import atexit
import base64
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from caseq import intake
from caseq import runtime as runtimes
from caseq.demo.promptly import copied
from caseq.intake import Pushed
from caseq.runtime import Runtime
from caseq.settings import load, shipped
from caseq.store import auditing
from caseq.store import sessions as session_store
from caseq.store.tables import parties, sessions

SOURCE = "criminal"
PUSH_KEY = "whsec_" + base64.b64encode(b"a key of the benchmark alone").decode()
#: Cases with exactly so many milestones, all visible to the victim, are the ones that are looked at.
SEEN_MILESTONES = 8
_SEEN_EVERY = 4
_BATCH = 1000
_FIRST_DAY = date(1990, 1, 1)
_UNIT = {
    "code": "640121510000",
    "name": "示例县公安局城关派出所",
    "address": "示例县城关镇中心路1号",
    "phone": "0951-8011010",
}
_MEASURES = ("criminal_detention", "arrest", "bail_pending_trial", "residential_surveillance")


@dataclass(frozen=True)
class Reader:
    """A session that may read one case."""

    token: str
    session_id: int


@cache
def _config() -> Path:
    """The shipped configuration in which nothing waits, for as long as this process lasts."""
    folder = tempfile.mkdtemp(prefix="caseq-bench-config-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return copied(shipped("config"), Path(folder) / "config")


def environment(url: str, port: int = 8000) -> dict[str, str]:
    """The environment of a service on this database."""
    return {
        "CASEQ_SECRET_KEY": "bench-" + "0" * 40,
        "CASEQ_DATABASE_URL": url,
        "CASEQ_PUBLIC_URL": f"http://127.0.0.1:{port}",
        f"CASEQ_PUSH_KEY_{SOURCE.upper()}": PUSH_KEY,
        "CASEQ_CONFIG_DIR": str(_config()),
    }


def runtime(url: str) -> Runtime:
    return runtimes.build(load(environment(url)))


def fill(parts: Runtime, cases: int) -> None:
    """Store `cases` cases with five parties for two of them and six milestones for one, formed long ago."""
    source = parts.settings.sources[SOURCE]
    formed = parts.clock() - timedelta(days=90)
    batch: list[Pushed] = []
    for event in _events(cases, formed.isoformat(timespec="seconds")):
        batch.append(Pushed(event))
        if len(batch) == _BATCH:
            intake.take(parts, source, batch, "bench")
            batch = []
    intake.take(parts, source, batch, "bench")


def readers(parts: Runtime, most: int) -> list[Reader]:
    """Sessions of victims whose case has SEEN_MILESTONES milestones, each opened as a login would."""
    now, life = parts.clock(), parts.settings.login.session_life
    wanted = [f"victim-{n}" for n in range(0, most * _SEEN_EVERY, _SEEN_EVERY)]
    columns = (parties.c.id.label("party_id"), parties.c.case_id, parties.c.role, parties.c.subject)
    opened = []
    with parts.database.transaction() as connection:
        for row in connection.execute(select(*columns).where(parties.c.key.in_(wanted))).all():
            token = secrets.token_urlsafe(32)
            session_id = session_store.open_session(connection, token, row, now, life, 3)
            ids = {"session_id": session_id, "party_id": row.party_id, "case_id": row.case_id}
            auditing.record(connection, "login", now, **ids)
            opened.append(Reader(token, session_id))
    return opened


def forget_readers(parts: Runtime) -> None:
    with parts.database.transaction() as connection:
        connection.execute(sessions.delete())


def case_number(n: int) -> str:
    return f"A{640121510000 + n // 10_000:012d}202611{n % 10_000:04d}"


def event(type_: str, n: int, key: str, formed: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A CloudEvent about case `n`."""
    return {
        "specversion": "1.0",
        "id": f"{type_}:{key}",
        "source": SOURCE,
        "type": f"caseq.{type_}.v1",
        "subject": case_number(n),
        "time": formed,
        "sequence": "1",
        "data": data,
    }


def milestone(n: int, key: str, formed: str, step: int) -> dict[str, Any]:
    """A milestone of case `n` that its victim sees; the first three steps are not measures."""
    data: dict[str, Any] = {"milestone": key, "occurred_on": f"2026-{step % 9 + 1:02d}-{n % 28 + 1:02d}"}
    if step == 0:
        data |= {"name": "case_filed", "document_number": f"示公（刑）立字〔2026〕{n}号"}
    elif step == 1:
        data |= {"name": "case_solved"}
    elif step == 2:
        data |= {"name": "transferred_for_prosecution_review", "details": {"procuratorate": "示例县人民检察院"}}
    else:
        details = {"measure": _MEASURES[step % len(_MEASURES)], "action": "imposed"}
        data |= {"name": "compulsory_measure", "subject": f"S{n}", "details": details}
    return event("milestone", n, key, formed, data)


def pushes(
    cases: int, batches: int, size: int, prefix: str, formed: str, positions: Iterator[int]
) -> Sequence[list[dict[str, Any]]]:
    """Batches of new milestones for cases that are there; keys begin with `prefix`.

    No two have the same of the `positions`, and so a day of their own in their case: what reads like another one is
    shown once, and makes no SMS.
    """
    return [
        [_pushed(cases, f"{prefix}-{b}-{i}", formed, 3 + i % 5, next(positions)) for i in range(size)]
        for b in range(batches)
    ]


def _pushed(cases: int, key: str, formed: str, step: int, position: int) -> dict[str, Any]:
    made = milestone(position % cases, key, formed, step)
    made["data"]["occurred_on"] = (_FIRST_DAY + timedelta(days=position // cases)).isoformat()
    return made


def _events(cases: int, formed: str) -> Iterator[dict[str, Any]]:
    for n in range(cases):
        yield event("case", n, f"case-{n}", formed, {"kind": "criminal", "opened_on": "2026-08-20", "unit": _UNIT})
        yield from _parties(n, formed)
        steps = SEEN_MILESTONES if n % _SEEN_EVERY == 0 else 5 + (n % 3 == 0)
        for step in range(steps):
            yield milestone(n, f"first-{n}-{step}", formed, step)


def _parties(n: int, formed: str) -> Iterator[dict[str, Any]]:
    people = [("victim", True, None), ("suspect", False, f"S{n}"), ("victim_family", False, None)]
    for role, sms, subject in people[: 2 + n % 2]:
        phone = f"19{'976'[len(role) % 3]}{n % 10**8:08d}"
        data: dict[str, Any] = {"party": f"{role}-{n}", "role": role, "name": "测试人", "phone": phone, "sms": sms}
        if subject:
            data |= {"subject": subject, "appeared_on": "2026-08-20"}
        yield event("party", n, f"{role}-{n}", formed, data)
