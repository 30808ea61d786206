"""One worker against a plain thread pool of the same width, both into the same sink that answers after 50 ms."""

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import func, insert, select, text

from bench.databases import Place
from bench.effort import Effort
from bench.results import Row, Target, ratios
from caseq.rules.case import MilestoneName, RecordType
from caseq.rules.delivery import Receipt
from caseq.rules.routes import Route
from caseq.rules.telling import Channel, Line, Manner, Wait
from caseq.runtime import Runtime
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.route import Router
from caseq.store import outbox
from caseq.store.outbox import News, State
from caseq.store.tables import outbox as messages
from caseq.store.tables import parties
from caseq.worker import Worker

WIDTH = 16
SINK_SECONDS = 0.05
WAITING_ROWS = 100_000
_OF_POOL = Target(0.9, 0.94)
_CAUSES = count(1)


class Sink:
    """A gateway that takes everything, 50 ms after it was asked."""

    name = "sink"

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()

    def send(self, sms: Sms) -> Accepted:  # noqa: ARG002
        time.sleep(SINK_SECONDS)
        with self._lock:
            self.taken += 1
            return Accepted(self.name, f"sink-{next(_CAUSES)}")

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:  # noqa: ARG002
        return None

    def receipt(self, sms: Sms, accepted: Accepted, since: datetime) -> Receipt | None:  # noqa: ARG002
        return None


def compare(place: Place, parts: Runtime, effort: Effort) -> list[Row]:
    """What the worker keeps of the pool's messages a second: as it is, and with many rows that wait for another day."""
    parts = _prompt(parts)
    people = _people(parts, min(effort.cases, 2000))
    _drop_what_waits(parts)
    waiting = min(WAITING_ROWS, 50 * len(people))
    pool: list[float] = []
    worker: list[float] = []
    crowded: list[float] = []
    for _ in range(max(1, min(effort.rounds, 3))):
        pool.append(_pool(len(people)))
        worker.append(_worker(parts, people))
        with _crowd(parts, waiting):
            crowded.append(_worker(parts, people))
    what = f"outbox, {len(people):,} SMS, {WIDTH} threads"
    against = f"a plain thread pool into the same {SINK_SECONDS * 1000:.0f} ms sink"
    return [
        Row(what, against, place.engine, ratios(worker, pool), _OF_POOL),
        Row(f"{what}, {waiting:,} more rows waiting", "without them", place.engine, ratios(crowded, worker)),
        Row(what, "", place.engine, worker, unit=" SMS/s"),
    ]


def _prompt(parts: Runtime) -> Runtime:
    """The service with no reason to wait: no delay, no night, no daily limit."""
    settings = parts.settings
    at_once = Line(None, None, Manner(Channel.SMS, timedelta(), None, tell_first=False))
    sending = replace(settings.sending, most_news_a_day=10**9)
    worker = replace(settings.worker, threads=WIDTH)
    return replace(parts, settings=replace(settings, telling=(at_once,), sending=sending, worker=worker))


def _people(parts: Runtime, most: int) -> list[tuple[int, str, str]]:
    """Victims who may be told of the filing of their case: id, fingerprint of the number, key of the milestone."""
    wanted = select(parties.c.id, parties.c.phone_hash, parties.c.key).where(parties.c.role == "victim")
    with parts.database.autocommit() as connection:
        rows = connection.execute(wanted.order_by(parties.c.id).limit(most)).all()
    return [(row.id, row.phone_hash, f"first-{row.key.removeprefix('victim-')}-0") for row in rows]


def _drop_what_waits(parts: Runtime) -> None:
    """Other comparisons pushed changes whose news wait for corrections; ours would wait for them."""
    waiting = messages.c.state.in_([State.QUEUED.value, State.HELD.value])
    with parts.database.transaction() as connection:
        connection.execute(messages.update().where(waiting).values(state=State.DROPPED.value))


def _pool(messages_: int) -> float:
    """Messages a second of threads that do nothing but call the sink."""
    sink, sms = Sink(), Sms("bench", "+8619900000000", "…", 300)
    began = time.perf_counter()
    with ThreadPoolExecutor(WIDTH) as pool:
        for _ in range(messages_):
            pool.submit(sink.send, sms)
    return messages_ / (time.perf_counter() - began)


def _worker(parts: Runtime, people: Sequence[tuple[int, str, str]]) -> float:
    """Messages a second from the first call to the moment when all of them are recorded as sent."""
    sink = Sink()
    _queue(parts, people)
    worker = Worker(parts, Router({sink.name: sink}, (Route("+", (sink.name,)),)))
    running = threading.Thread(target=worker.run)
    began = time.perf_counter()
    running.start()
    while sink.taken < len(people) or _waiting(parts):
        time.sleep(0.01)
    took = time.perf_counter() - began
    worker.stop()
    running.join()
    return len(people) / took


def _queue(parts: Runtime, people: Sequence[tuple[int, str, str]]) -> None:
    now, cause = parts.clock(), next(_CAUSES)
    news = [_news(party_id, phone_hash, key, cause, now) for party_id, phone_hash, key in people]
    with parts.database.transaction() as connection:
        outbox.add_news(connection, news, now)


def _news(party_id: int, phone_hash: str, key: str, cause: object, due_at: datetime, wait: Wait | None = None) -> News:
    name = MilestoneName.CASE_FILED
    return News(party_id, phone_hash, f"bench:{cause}", RecordType.MILESTONE, key, name, due_at, due_at, wait)


def _waiting(parts: Runtime) -> int:
    open_ = [State.QUEUED.value, State.CLAIMED.value]
    with parts.database.autocommit() as connection:
        counted = select(func.count()).select_from(messages).where(messages.c.state.in_(open_))
        return int(connection.execute(counted).scalar_one())


@contextmanager
def _crowd(parts: Runtime, rows: int) -> Iterator[None]:
    """While it lasts, many rows of nobody's wait for another day."""
    tomorrow = parts.clock() + timedelta(days=1)
    row = {
        "purpose": "news",
        "party_id": None,
        "phone_hash": None,
        "lane": 1,
        "state": State.HELD.value,
        "created_at": tomorrow,
        "due_at": tomorrow,
        "attempts": 0,
    }
    with parts.database.transaction() as connection:
        connection.execute(insert(messages), [{**row, "cause": f"crowd:{n}"} for n in range(rows)])
        # As autovacuum does within a minute: until then PostgreSQL plans as if the table were small.
        connection.execute(text("ANALYZE outbox"))
    try:
        yield
    finally:
        with parts.database.transaction() as connection:
            connection.execute(messages.delete().where(messages.c.cause.like("crowd:%")))
