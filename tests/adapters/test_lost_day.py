"""A day of files that were lost on a one-way line, some or all: the next full copy heals it, and tells nobody twice."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters import departures
from caseq import intake
from caseq.rules.case import RecordType
from tests.adapters.bench import NUMBER, Adapter, Source
from tests.adapters.gate import Gate, age_copies
from tests.adapters.peer import KEYS, Peer
from tests.pushfiles import Inbox
from tests.service import Clock, Service
from tests.service import service as build_service
from tests.walks import holding, oracle
from tests.walks.conftest import CaseSystem

TABLES = ("B_ASJ_AJ", "B_ASJ_XYRDJ", "B_ASJ_SHRDJ")


@dataclass
class Way:
    """From a case system through a folder of files, of which some are lost, into a service."""

    cases: CaseSystem
    source: Source
    adapter: Adapter
    folder: Path
    inbox: Inbox
    service: Service
    truth: Peer = field(default_factory=Peer)

    def day(self, lose: random.Random | None = None, share: float = 0.0) -> int:
        """The adapter reads and writes its files, and what is not lost is taken in; how many files were lost."""
        self.adapter.now += timedelta(days=1)
        assert self.adapter.once()
        Gate(self.folder, self.truth).replay()
        lost = 0
        for path in sorted(self.folder.glob("*.push")):
            if lose is not None and lose.random() < share:
                lost += 1
                path.unlink()
            else:
                path.rename(self.inbox.folder / path.name)
        self.inbox.receive()
        self.service.work()
        return lost

    def held(self) -> set[tuple[str, str, str, str]]:
        """Every live record of the service: source, type, key and sequence."""
        found = set()
        for name in KEYS:
            for type_ in (RecordType.CASE, RecordType.PARTY, RecordType.MILESTONE):
                page, rest = intake.held_records(
                    self.service.runtime, self.service.runtime.settings.sources[name], type_, ""
                )
                assert rest is None
                found |= {(name, type_.value, record.key, record.sequence) for record in page}
        return found

    def sent(self) -> set[tuple[str, str, str, str]]:
        """The same by all files there ever were."""
        return {(*place, event["sequence"]) for place, event in self.truth.live().items()}


@pytest.fixture
def way(
    database_url: str, source: Source, gapped: Adapter, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Way]:
    """A day of files each of at most 15 events, from a case system of 150 cases."""
    monkeypatch.setattr(departures.FileDepartures, "most_events", 15)
    keys = {f"CASEQ_PUSH_KEY_{name.upper()}": key for name, key in KEYS.items()}
    service = build_service(database_url, tmp_path, Clock(datetime.now(UTC)), **keys)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    source.path.unlink()
    cases = CaseSystem(source.path, 150)
    yield Way(cases, source, gapped, folder, Inbox(inbox, service.runtime), service)
    service.runtime.database.close()


def change_much(cases: CaseSystem, source: Source, chance: random.Random) -> None:
    """A working day in which rows also vanish, are marked as deleted, and a case is new."""
    cases.move(120, seed=chance.randrange(1000))
    numbers = source.values("SELECT AJBH FROM B_ASJ_AJ WHERE DELETEFLAG = '0' ORDER BY AJBH")
    for number in chance.sample(numbers, 3):
        source.write(*(f"DELETE FROM {table} WHERE AJBH = '{number}'" for table in TABLES))
    for table in TABLES[1:]:
        for row_id in chance.sample(source.values(f"SELECT SYSTEMID FROM {table} ORDER BY 1"), 4):
            source.write(f"DELETE FROM {table} WHERE SYSTEMID = '{row_id}'")
    for row_id in chance.sample(source.values("SELECT SYSTEMID FROM B_ASJ_AJ WHERE DELETEFLAG = '0' ORDER BY 1"), 4):
        source.change_case("20261123100000", row_id, DELETEFLAG="1")
    source.add_case(NUMBER, AJLX="刑事", LASJ="20261123100000", LASTUPDATEDTIME="20261123100000")
    source.add_victim(NUMBER, LASTUPDATEDTIME="20261123100000")


@pytest.mark.faults
@pytest.mark.parametrize(("seed", "share"), [(1, 1.0), (2, 0.5), (3, 0.5), (4, 0.3)])
def test_the_next_full_copy_makes_good_what_a_lost_day_took_away(way: Way, seed: int, share: float) -> None:
    way.day()
    before = oracle.read(way.source.path)
    assert way.held() == way.sent()
    assert way.service.messages() == []
    chance = random.Random(seed)
    change_much(way.cases, way.source, chance)
    assert way.day(chance, share) > 1
    assert way.held() != way.sent()
    age_copies(way.adapter)
    way.day()
    assert way.inbox.receive(), "a number is still missing"
    after = oracle.read(way.source.path, before)
    assert way.held() == way.sent()
    assert holding.held(way.service.runtime.settings.database_url) == holding.there(after)
    assert way.service.told() == by_phone(before, after)


def by_phone(before: dict[str, oracle.Case], after: dict[str, oracle.Case]) -> Counter[str]:
    """Of how many changes each number must be told."""
    counts = oracle.Step(before, after, datetime.now(UTC)).messages()
    parties = {key: party for case in after.values() for key, party in case.parties.items()}
    found: Counter[str] = Counter()
    for key, count in counts.items():
        found[f"+86{parties[key].phone}"] += count
    return found
