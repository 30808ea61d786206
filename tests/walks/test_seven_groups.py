"""From a case system and three registers to what the people of all seven groups of the matrix see, or do not."""

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters import spool, statefile
from adapters.feed import Feed, find_changes, read_chunk
from adapters.mapping_file import read_mapping
from adapters.sources.engines import open_engine
from adapters.sources.sql import SqlSource
from caseq.demo import casesystem
from caseq.rules.numbers import mobile
from caseq.store.tables import cases, milestones
from tests import matrix
from tests.adapters.registers import MAPPINGS, REGISTERS, Register, sample
from tests.service import NOON, Service
from tests.walks import oracle

Pushed = list[dict[str, Any]]
OUTER = ("occurred_on", "document_number")
BATCH = 200


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    """What the four shipped mappings make of a case system and of the samples."""
    folder = tmp_path_factory.mktemp("sources")
    return [*events_of_b_asj(folder), *(event for name in REGISTERS for event in events_of(name, folder / name))]


def events_of(name: str, folder: Path) -> Pushed:
    register = Register(name, folder)
    register.drop(sample(name).read_bytes())
    return register.events()


def events_of_b_asj(folder: Path) -> Pushed:
    casesystem.create(folder / "b_asj.db", 60, 3, NOON)
    mapping = read_mapping(MAPPINGS / "b_asj.toml", {"CASEQ_ADAPTER_SOURCE_URL": f"sqlite:///{folder / 'b_asj.db'}"})
    source = SqlSource(mapping, open_engine(mapping.source.url))
    with closing(statefile.open_state(folder / "state.db")) as state:
        feed = Feed(mapping, source, state, lambda: NOON)
        find_changes(feed)
        while read_chunk(feed):
            pass
        made = [json.loads(event.body) for event in spool.waiting_events(state)]
    source.engine.dispose()
    return made


@pytest.fixture
def fed(service: Service, pushed: Pushed) -> Service:
    """A running service that took everything."""
    for source in dict.fromkeys(event["source"] for event in pushed):
        own = [event for event in pushed if event["source"] == source]
        for start in range(0, len(own), BATCH):
            assert set(service.outcomes(*own[start : start + BATCH], source=source)) == {"accepted"}
    service.work()
    return service


def data_of(events: Pushed, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The source, the case and the data of the events of this kind."""
    for event in events:
        if event["type"] == f"caseq.{kind}.v1":
            yield event["source"], event["subject"], event["data"]


def people(events: Pushed, is_online: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The kind, the case and the data of the parties of roles that may look online, or of those that may not."""
    for source, number, party in data_of(events, "party"):
        if ((source, party["role"]) in matrix.ONLINE) is is_online:
            yield source, number, party


def view_of(events: Pushed, kind: str, number: str, party: dict[str, Any]) -> dict[str, Any]:
    """What this party must see, by the matrix."""
    seen = []
    for _, case, one in data_of(events, "milestone"):
        cell = matrix.may_see(kind, party["role"], one["name"], party.get("subject"), one.get("subject"))
        if case == number and cell is not None:
            told = {**one.get("details", {}), **{name: one[name] for name in OUTER if name in one}}
            told = {name: told[name] for name in cell.fields if name in told}
            outer = {name: told.pop(name) for name in OUTER if name in told}
            shown = {"name": one["name"], "clause": cell.clause, **outer}
            seen.append({**shown, "details": told} if told else shown)
    unit = next(data["unit"] for _, case, data in data_of(events, "case") if case == number)
    cell = matrix.CELLS.get((kind, party["role"], "unit"))
    fields = {name: unit[name] for name in cell.fields if name in unit} if cell else {}
    return {
        "case_number": number,
        "kind": kind,
        "role": party["role"],
        "unit": {**fields, "clause": cell.clause} if cell else None,
        "has_rights": (kind, party["role"], "rights") in matrix.CELLS,
        "milestones": sorted(seen, key=oracle.as_text),
    }


def plain(view: dict[str, Any] | None) -> dict[str, Any] | None:
    """The view in the form of `view_of`, without what no source decides."""
    if view is None:
        return None
    shown = [{name: value for name, value in one.items() if name != "released_at"} for one in view["milestones"]]
    return {
        **{name: view[name] for name in ("case_number", "kind", "role")},
        "unit": view.get("unit"),
        "has_rights": "rights" in view,
        "milestones": sorted(shown, key=oracle.as_text),
    }


def groups() -> dict[str, set[tuple[str, str]]]:
    """The kinds and milestones of each group of the matrix."""
    found: dict[str, set[tuple[str, str]]] = {}
    with matrix.MATRIX.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["item"] not in ("unit", "rights"):
                found.setdefault(row["group"], set()).add((row["kind"], row["item"]))
    return found


def test_every_group_has_live_milestones(fed: Service) -> None:
    query = (
        select(cases.c.kind, milestones.c.name)
        .join(milestones, milestones.c.case_id == cases.c.id)
        .where(cases.c.withdrawn.is_(False), milestones.c.withdrawn.is_(False))
    )
    with fed.runtime.database.engine.connect() as connection:
        live = {(row.kind, row.name) for row in connection.execute(query)}
    assert len(groups()) == 7
    assert [group for group, items in groups().items() if not items & live] == []
    assert groups()["5"] | groups()["6"] | groups()["7"] | groups()["2"] <= live


def test_a_reader_of_every_online_role_sees_what_the_matrix_grants(fed: Service, pushed: Pushed) -> None:
    phones = [mobile(party.get("phone")) for _, _, party in data_of(pushed, "party")]
    readers: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for kind, number, party in people(pushed, is_online=True):
        phone = mobile(party.get("phone"))
        is_there = party["role"] not in ("suspect", "suspect_family") or "appeared_on" in party
        expected = view_of(pushed, kind, number, party)
        if phone and phones.count(phone) == 1 and is_there and expected["milestones"]:
            readers.setdefault((kind, party["role"]), (phone, expected))
    b_asj = ("complainant", "victim", "victim_family", "suspect", "suspect_family")
    wanted = {*((kind, role) for kind in ("criminal", "administrative") for role in b_asj), ("trade", "trade_member")}
    assert readers.keys() == wanted
    for phone, expected in readers.values():
        view = fed.seen_by(phone.removeprefix("+86"), expected["case_number"])
        assert plain(view) == expected


def test_those_who_may_not_look_online_get_no_code_and_no_message(fed: Service, pushed: Pushed) -> None:
    offline = list(people(pushed, is_online=False))
    assert {kind for kind, *_ in offline} == {"reconsideration", "compensation", "petition", "regulation"}
    for _, number, party in offline:
        if phone := mobile(party.get("phone")):
            assert fed.log_in(phone.removeprefix("+86"), number) is None
            assert fed.messages(phone.removeprefix("+86")) == []


def test_numbers_as_clerks_type_them_let_in(fed: Service) -> None:
    assert fed.log_in("19912340302", "ＬＧ640121002") is not None
    assert fed.log_in("19912340303", "dd640121003") is not None
    assert fed.log_in("19912340393", "DD640121003") is None
