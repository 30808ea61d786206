"""Which changes are pushed, in which order, with which sequence and time."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.changes import canonical, next_sequence
from tests.adapters.bench import NUMBER, OTHER, Adapter, Source
from tests.adapters.peer import key_of


def _brief(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["type"].split(".")[1], key_of(event)) for event in events]


_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=8,
)


@given(_data)
def test_the_text_that_ids_follow_from_is_what_it_always_was(data: Any) -> None:
    """Another text would be another id, and everything would be sent once more."""
    assert canonical(data) == json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_reading_everything_again_sends_nothing(filled: Source, adapter: Adapter) -> None:
    assert adapter.once()
    assert len(adapter.peer.events) > 500
    assert adapter.pushed("20000101000000") == []


def test_a_filled_date_is_a_milestone_and_an_emptied_one_a_withdrawal(source: Source, adapter: Adapter) -> None:
    source.add_case()
    adapter.once()
    source.change_case("20261104090000", LASJ="20261103100000")
    assert _brief(adapter.pushed()) == [("milestone", "AJ1:case_filed")]
    source.change_case("20261105090000", LASJ="20261102100000")
    corrected = adapter.pushed()
    assert corrected[0]["data"]["occurred_on"] == "2026-11-02"
    source.change_case("20261106090000", LASJ=None)
    assert _brief(adapter.pushed()) == [("withdrawal", "AJ1:case_filed")]
    source.change_case("20261107090000", LASJ="20261102100000")
    assert _brief(adapter.pushed()) == [("milestone", "AJ1:case_filed")]


def test_a_deleted_case_takes_its_records_with_it_and_itself_last(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000")
    source.add_victim()
    adapter.once()
    source.change_case("20261104090000", DELETEFLAG="1")
    events = adapter.pushed()
    assert [event["data"]["record"] for event in events] == ["party", "party", "milestone", "case"]
    assert adapter.peer.live() == {}


def test_a_deleted_suspect_takes_parties_and_measures_with_it(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(CS="04", CSZXRQ="20261020150000")
    adapter.once()
    source.change_suspect("20261104090000", DELETEFLAG="1")
    assert len(adapter.pushed()) == 3
    assert list(adapter.peer.live()) == [("criminal", "case", NUMBER)]


def test_a_case_that_changes_kind_is_withdrawn_at_the_old_source_before_the_new_one_has_it(
    source: Source, adapter: Adapter
) -> None:
    source.add_case(LASJ="20261003100000")
    source.add_victim()
    adapter.once()
    source.change_case("20261104090000", AJLX="行政")
    events = adapter.pushed()
    first_new = next(index for index, event in enumerate(events) if event["source"] == "administrative")
    assert all(event["source"] == "administrative" for event in events[first_new:])
    assert _brief(events)[first_new - 1] == ("withdrawal", NUMBER)
    assert {place[0] for place in adapter.peer.live()} == {"administrative"}


def test_the_new_source_waits_as_long_as_the_old_one_cannot_be_told(source: Source, adapter: Adapter) -> None:
    source.add_case()
    adapter.once()
    source.change_case("20261104090000", AJLX="行政")
    adapter.peer.keys["criminal"] = adapter.peer.keys["administrative"]
    assert not adapter.once()
    assert {event["source"] for event in adapter.peer.events} == {"criminal"}


def test_a_child_row_that_moves_to_another_case_is_withdrawn_there_first(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_case(OTHER, "AJ2")
    source.add_suspect()
    adapter.once()
    source.change_suspect("20261104090000", AJBH=OTHER)
    events = adapter.pushed()
    assert [(event["type"], event["subject"]) for event in events] == [
        ("caseq.withdrawal.v1", NUMBER),
        ("caseq.withdrawal.v1", NUMBER),
        ("caseq.party.v1", OTHER),
        ("caseq.party.v1", OTHER),
    ]
    assert adapter.pushed("20000101000000") == []


def test_a_case_whose_number_is_corrected_leaves_nothing_under_the_old_one(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000")
    adapter.once()
    source.change_case("20261104090000", AJBH=OTHER)
    adapter.once()
    assert {event["subject"] for event in adapter.peer.live().values()} == {OTHER}
    assert len(adapter.peer.live()) == 2


def test_a_merged_case_names_its_main_case_and_a_unit_change_comes_along(source: Source, adapter: Adapter) -> None:
    source.add_case()
    adapter.once()
    source.change_case("20261104090000", RESERVATION11=OTHER, ZBDW="640121520000")
    (event,) = adapter.pushed()
    assert event["data"]["merged_into"] == OTHER
    assert event["data"]["unit"]["name"] == "示例县公安局西岭派出所"
    source.change_case("20261105090000", RESERVATION11=NUMBER)
    (event,) = adapter.pushed()
    assert "merged_into" not in event["data"]


def test_the_first_time_is_the_facts_own_and_later_ones_are_the_rows_change(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000", LASTUPDATEDTIME="20261003103000")
    source.add_victim(CREATEDTIME="20261002080000")
    times = {key_of(event): event["time"] for event in adapter.pushed()}
    assert times == {
        NUMBER: "2026-10-01T08:00:00+08:00",
        "AJ1:case_filed": "2026-10-03T10:00:00+08:00",
        "SSH1:victim": "2026-10-02T08:00:00+08:00",
        "SSH1:victim_family": "2026-10-02T08:00:00+08:00",
    }
    source.change_case("20261104090000", PASJ="20261030000000")
    (event,) = adapter.pushed()
    assert event["time"] == "2026-11-04T09:00:00+08:00"
    source.add_suspect(CREATEDTIME="20261001000000", LASTUPDATEDTIME="20261105090000")
    assert {event["time"] for event in adapter.pushed()} == {"2026-11-05T09:00:00+08:00"}


def test_the_sequence_grows_when_the_clock_steps_back_and_within_a_second(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000", LASTUPDATEDTIME="20261104090000")
    sequences = [event["sequence"] for event in adapter.pushed() if event["type"] == "caseq.milestone.v1"]
    for stamp, day in (("20261104090000", "04"), ("20261104080000", "05"), ("20261104090000", "06")):
        source.change_case(stamp, LASJ=f"202610{day}100000")
        (event,) = adapter.pushed("20261001000000")
        sequences.append(event["sequence"])
    source.change_case("20261104090001", LASJ=None)
    sequences += [event["sequence"] for event in adapter.pushed()]
    assert sequences == sorted(set(sequences))
    assert sequences[0] == "20261104090000.000001"
    assert sequences[-1] == "20261104090001.000001"


@pytest.mark.parametrize(
    ("stamp", "last", "expected"),
    [
        ("20261104090000", None, "20261104090000.000001"),
        ("20261104090001", "20261104090000.000009", "20261104090001.000001"),
        ("20261104090000", "20261104090000.000009", "20261104090000.000010"),
        ("20200101000000", "20261104090000.000001", "20261104090000.000002"),
    ],
)
def test_the_next_sequence_sorts_after_the_last(stamp: str, last: str | None, expected: str) -> None:
    assert next_sequence(stamp, last) == expected
    assert expected > (last or "")


def test_a_birthday_changes_a_party_once_and_only_when_it_is_real(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(CSRQ="20081126")
    assert adapter.pushed()[1]["data"]["juvenile"] is True
    assert adapter.pushed("20000101000000") == []
    adapter.now = adapter.now.replace(day=26)
    (event,) = adapter.pushed("20000101000000")
    assert "juvenile" not in event["data"]
    assert adapter.pushed("20000101000000") == []
