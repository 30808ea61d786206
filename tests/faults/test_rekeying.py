"""Changing the keys while people log in, sources push and messages go out; and killing (-9) the rotation in between."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from caseq import answering, rekeying
from caseq.store.tables import milestones, outbox, parties
from tests.service import Clock, Process, Service, case, digits_of, environment, event, milestone, party, signed
from tests.service import service as build_service

OLD, NEW = "test-secret-" + "0" * 32, "next-secret-" + "9" * 32
PEOPLE = 240
MANY = 2000
KILLS = 3

Start = Callable[..., Service]


@pytest.fixture
def started(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Start]:
    """Starts a service on the one database with these keys."""
    made: list[Service] = []

    def start(*keys: str) -> Service:
        made.append(build_service(database_url, tmp_path, clock, CASEQ_SECRET_KEY=",".join(keys)))
        assert made[-1].app
        return made[-1]

    yield start
    for service in made:
        service.runtime.database.close()


def phone_of(n: int) -> str:
    return f"199{n:08}"


def case_of(n: int) -> str:
    return f"A64012151000020261{n:05}"


class Life:
    """What goes on all the time: people log in, sources push, a worker sends. What was no success is kept."""

    def __init__(self, services: tuple[Service, ...]) -> None:
        self.services = services
        self.errors: list[str] = []
        self.tokens: list[str] = []
        self.acked: list[str] = []  # the keys of milestones whose push was answered with 200
        self._people = itertools.count()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(8)
        self._last = threading.Event()
        self._turns = itertools.count()
        self._acts: dict[int, tuple[Service, ...]] = {}
        self._acts_end = threading.Condition()

    def begin(self) -> None:
        self._under_way = [self._pool.submit(self._again, act, self._stop) for act in [self._log_in] * 4]
        self._under_way += [self._pool.submit(self._again, self._push, self._stop) for _ in range(2)]
        self._pool.submit(self._again, self._work, self._last)

    def end(self) -> None:
        """What was begun is finished; the worker goes last."""
        self._stop.set()
        wait(self._under_way)
        self._last.set()
        self._pool.shutdown()

    def served_by(self, *services: Service) -> None:
        """From the next act on these serve; it comes back when those under way have ended, as a process ends."""
        self.services = services
        with self._acts_end:

            def are_new() -> bool:
                return all(begun is services for begun in list(self._acts.values()))

            assert self._acts_end.wait_for(are_new, timeout=60), "an act hangs"

    def go_on(self, logins: int) -> None:
        """Wait until so many more people have logged in, and something was pushed."""
        until, enough, pushed = time.monotonic() + 60, len(self.tokens) + logins, len(self.acked)
        while len(self.tokens) < enough or len(self.acked) == pushed:
            assert not self.errors, self.errors
            assert time.monotonic() < until, (len(self.tokens), len(self.acked))
            time.sleep(0.05)

    def _any(self) -> Service:
        return self.services[next(self._turns) % len(self.services)]

    def _again(self, act: Callable[[], None], stop: threading.Event) -> None:
        me = threading.get_ident()
        while not stop.is_set():
            self._acts[me] = self.services
            try:
                act()
            except Exception as error:
                self.errors.append(repr(error))
            with self._acts_end:
                self._acts.pop(me, None)
                self._acts_end.notify_all()
            time.sleep(0.01)

    def _log_in(self) -> None:
        """The next person asks for a code, enters it and looks; another process may serve every step."""
        n = next(self._people)
        if n >= PEOPLE:
            time.sleep(0.1)
            return
        body = {"case_number": case_of(n), "phone": phone_of(n)}
        asked = self._any().client.post("/api/v1/codes", json=body)
        code = self._code_for(n)
        answer = self._any().client.post(
            "/api/v1/sessions", json={"challenge": asked.get_json()["challenge"], "code": code}
        )
        if answer.status_code != 201:
            self.errors.append(f"login {n}: {answer.status_code} {answer.get_data(as_text=True)}")
            return
        token = answer.get_json()["token"]
        self.tokens.append(token)
        if self._any().view(token) is None:
            self.errors.append(f"view {n}")

    def _code_for(self, n: int) -> str:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            codes = [code for text in self._any().messages(phone_of(n)) if len(code := digits_of(text)) == 8]
            if codes:
                return codes[-1]
            time.sleep(0.05)
        raise AssertionError(f"no code came for {n}")

    def _push(self) -> None:
        """The same person once more, with another name, and a milestone."""
        service, turn = self._any(), next(self._turns)
        n = turn % PEOPLE
        batch = [
            event("party", party(key=f"P{n}", phone=phone_of(n), name=f"名{turn}"), case=case_of(n), sequence=stamp()),
            event("milestone", milestone(key=f"M{n}-{turn}"), case=case_of(n), sequence=stamp()),
        ]
        body = json.dumps(batch).encode()
        answer = service.client.post(
            "/push/v1/criminal", data=body, headers=signed("criminal", body, service.clock.now.timestamp())
        )
        if answer.status_code != 200 or answer.get_json()["results"][1]["outcome"] != "accepted":
            self.errors.append(f"push {n}: {answer.status_code} {answer.get_data(as_text=True)}")
            return
        self.acked.append(batch[1]["data"]["milestone"])

    def _work(self) -> None:
        service = self._any()
        answering.resolve(service.runtime)
        service.work()


def stamp() -> str:
    return f"{time.time_ns():020}"


def load(service: Service, people: int) -> None:
    for first in range(0, people, 400):
        batch: list[dict[str, Any]] = []
        for n in range(first, min(people, first + 400)):
            batch.append(event("case", case(), case=case_of(n)))
            batch.append(event("party", party(key=f"P{n}", phone=phone_of(n), sms=n % 2 == 0), case=case_of(n)))
        service.push(*batch)


@pytest.mark.faults
@pytest.mark.slow
def test_all_keys_are_changed_under_load_without_an_error(started: Start) -> None:
    before = started(OLD)
    load(before, PEOPLE)
    life = Life((before,))
    life.begin()
    try:
        life.go_on(5)
        announced = started(OLD, NEW)
        life.served_by(before, announced)  # Process after process is restarted.
        life.go_on(5)
        life.served_by(announced)
        both = started(NEW, OLD)
        life.served_by(announced, both)
        life.go_on(5)
        life.served_by(both)
        life.go_on(2)
        done = rekeying.rotate(both.runtime, lambda _: None)
        life.go_on(5)
    finally:
        life.end()
    assert life.errors == []
    assert not isinstance(done, rekeying.KeyLost)
    assert [(one.broken, one.left) for one in done] == [(0, 0)] * len(done)
    both.work()
    both.clock.advance(minutes=11)
    assert rekeying.status(both.runtime).newest_is_enough
    after = started(NEW)
    assert all(after.view(token) for token in life.tokens)
    assert rekeying.suspicious_contacts(after.runtime) == []
    with after.runtime.database.autocommit() as connection:
        assert set(connection.execute(select(milestones.c.key)).scalars()) == set(life.acked)
        assert set(connection.execute(select(outbox.c.state)).scalars()) <= {"sent", "merged", "resolved"}
    for n in (0, 1, PEOPLE // 2, PEOPLE - 1):
        assert after.seen_by(phone_of(n), case_of(n)) is not None


@pytest.mark.faults
@pytest.mark.slow
def test_a_rotation_that_is_killed_is_simply_begun_again(started: Start, database_url: str, tmp_path: Path) -> None:
    load(started(OLD), MANY)
    both = started(NEW, OLD)
    environ = environment(database_url, tmp_path, CASEQ_SECRET_KEY=f"{NEW},{OLD}")
    process = Process(["caseq.cli", "keys", "rotate"], environ, tmp_path / "rotate.log")
    kills, seen = 0, 0
    try:
        while process.process.poll() is None:
            renewed = count_new(both)
            if kills < KILLS and seen < renewed < MANY:
                process.kill()
                kills, seen = kills + 1, count_new(both)
                assert both.seen_by(phone_of(kills), case_of(kills)) is not None
                assert both.seen_by(phone_of(MANY - kills), case_of(MANY - kills)) is not None
                process.start()
            time.sleep(0.01)
    finally:
        process.stop()
    assert process.process.returncode == 0, process.log.read_text()[-2000:]
    assert kills == KILLS
    assert count_new(both) == MANY
    both.clock.advance(minutes=11)
    assert rekeying.status(both.runtime).newest_is_enough
    after = started(NEW)
    assert rekeying.suspicious_contacts(after.runtime) == []
    assert after.seen_by(phone_of(7), case_of(7)) is not None


def count_new(service: Service) -> int:
    """How many parties are under the newest key."""
    newest = func.substr(parties.c.contact_mac, 1, 8) == service.runtime.sealer.key_id
    with service.runtime.database.autocommit() as connection:
        return int(connection.execute(select(func.count()).where(newest)).scalar_one())
