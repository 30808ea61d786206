"""Full copies for one-way air gaps: what was lost on the way is there again."""

import shutil
from pathlib import Path

import pytest

from adapters import copies, statefile
from adapters.carriers.carrier import Answered, Parcel, Postponed
from adapters.carriers.files import FileCarrier
from adapters.changes import Change, Known
from tests.adapters.bench import NOW, OTHER, Adapter, Source
from tests.adapters.gate import Gate, age_copies, read_folder


def test_a_full_copy_heals_a_lost_file_and_a_lost_withdrawal(filled: Source, gapped: Adapter, folder: Path) -> None:
    gapped.once()
    shutil.rmtree(folder)
    folder.mkdir()
    number = filled.value("SELECT AJBH FROM B_ASJ_AJ WHERE DELETEFLAG = '0' LIMIT 1")
    filled.write(f"UPDATE B_ASJ_AJ SET DELETEFLAG = '1', LASTUPDATEDTIME = '20261125070000' WHERE AJBH = '{number}'")
    gapped.once()
    withdrawn = {event["id"] for file in read_folder(folder) for event in file.events}
    assert withdrawn
    shutil.rmtree(folder)
    folder.mkdir()
    age_copies(gapped)
    gapped.once()
    gate = Gate(folder)
    gate.replay()
    assert all(file.part or not file.events for file in read_folder(folder))
    assert withdrawn <= {event["id"] for event in gate.peer.events}
    over_the_network = Adapter(gapped.source_url, gapped.peer, gapped.state_path.parent / "calm.db", now=gapped.now)
    assert over_the_network.once()
    assert {place: event["data"] for place, event in gate.peer.live().items()} == {
        place: event["data"] for place, event in gapped.peer.live().items()
    }


def test_a_copy_repeats_ids_sequences_times_and_data_of_what_was_sent_last(
    source: Source, gapped: Adapter, folder: Path
) -> None:
    source.add_case(LASJ="20261003100000")
    gapped.once()
    source.change_case("20261104090000", LASJ="20261005100000")
    gapped.once()
    sent = {event["id"]: event for file in read_folder(folder) if not file.part for event in file.events}
    age_copies(gapped)
    gapped.once()
    newest = max(file.part[0] for file in read_folder(folder) if file.part and file.source == "criminal")
    copied = [event for file in read_folder(folder) if file.part and file.part[0] == newest for event in file.events]
    assert copied
    assert all(sent[event["id"]] == event for event in copied)
    assert {event["data"].get("occurred_on") for event in copied} == {None, "2026-10-05"}


def test_a_record_that_moved_is_withdrawn_from_its_former_case_in_the_copy_too(
    source: Source, gapped: Adapter, folder: Path
) -> None:
    source.add_case()
    source.add_case(OTHER, "AJ2")
    source.add_suspect()
    gapped.once()
    source.change_suspect("20261104090000", AJBH=OTHER)
    gapped.once()
    age_copies(gapped)
    gapped.once()
    newest = max(file.part[0] for file in read_folder(folder) if file.part and file.source == "criminal")
    copied = [event for file in read_folder(folder) if file.part and file.part[0] == newest for event in file.events]
    moved = [(event["type"].split(".")[1], event["subject"]) for event in copied if "party" in str(event["data"])]
    assert [kind for kind, _ in moved] == ["withdrawal", "withdrawal", "party", "party"]
    assert moved[2][1] == OTHER


def test_parts_hold_at_most_1000_events_and_name_how_many_there_are(
    source: Source, gapped: Adapter, folder: Path
) -> None:
    for index in range(1101):
        source.add_case(f"A64012151000020261{index:05d}", f"AJ{index}", LASJ="20261003100000")
    gapped.once()
    parts = [file for file in read_folder(folder) if file.part and file.source == "criminal"]
    assert [len(file.events) for file in parts] == [1000, 1000, 202]
    assert [file.part[1:] for file in parts if file.part] == [(1, 3), (2, 3), (3, 3)]


def test_a_change_during_a_copy_leaves_after_it_and_not_in_it(source: Source, gapped: Adapter, folder: Path) -> None:
    for index in range(1101):
        source.add_case(f"A64012151000020261{index:05d}", f"AJ{index}", LASJ="20261003100000")
    written = FileCarrier.send

    def stop_in_the_copy(carrier: FileCarrier, parcel: Parcel) -> Answered | Postponed:
        if parcel.part == 2:
            return Postponed("no room")
        return written(carrier, parcel)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileCarrier, "send", stop_in_the_copy)
        assert not gapped.once()
    source.change_case("20261125070000", "AJ1100", LASJ="20261005100000")
    assert gapped.once()
    files = [file for file in read_folder(folder) if file.source == "criminal"]
    assert [file.batch for file in files] == list(range(1, len(files) + 1))
    copied = [file for file in files if file.part]
    assert len({file.part[0] for file in copied if file.part}) == 1
    changed = next(file for file in files if any("2026-10-05" in str(event["data"]) for event in file.events))
    assert changed.batch > copied[-1].batch
    assert [file.part[1:] for file in copied if file.part] == [(1, 3), (2, 3), (3, 3)]
    assert not any("2026-10-05" in str(event["data"]) for file in copied for event in file.events)


def test_a_record_that_changes_during_a_copy_drops_out_of_it_and_its_parts_stay_as_many() -> None:
    state = statefile.open_copy(Path("/nowhere"))
    known = [Known("criminal", "case", f"A{n}", f"A{n}", f"case:{n}", "f", "1") for n in range(1500)]
    copies.keep(state, [Change("e", f'"{entry.key}"'.encode(), entry) for entry in known])
    copies.begin(state, "criminal", NOW)
    copies.keep(state, [Change("e", b'"later"', entry) for entry in known[:7]])
    sizes = []
    while copies.is_under_way(state, "criminal"):
        part = copies.next_part(state, "criminal")
        sizes.append((part.number, part.parts, part.events))
        assert b"later" not in part.body
        copies.part_is_written(state, "criminal", part.number)
    assert sizes == [(1, 2, 993), (2, 2, 500)]


def test_an_adapter_that_sent_over_the_network_before_sends_everything_again_as_files(
    source: Source, adapter: Adapter, folder: Path
) -> None:
    source.add_case(LASJ="20261003100000")
    adapter.once()
    adapter.folder = folder
    adapter.once()
    gate = Gate(folder, adapter.peer)
    gate.replay()
    assert len(gate.peer.live()) == 2
    copied = [event for file in read_folder(folder) if file.part for event in file.events]
    assert len(copied) == 2


def test_an_adapter_that_goes_back_to_the_network_forgets_the_copies_and_makes_whole_ones_later(
    source: Source, adapter: Adapter, folder: Path
) -> None:
    source.add_case(LASJ="20261003100000")
    adapter.folder = folder
    adapter.once()
    adapter.folder = None
    source.change_case("20261125070000", LASJ="20261005100000")
    adapter.once()
    assert adapter.state("SELECT key FROM kept") == []
    adapter.folder = folder
    adapter.once()
    copied = [file for file in read_folder(folder) if file.part and file.source == "criminal"]
    assert len(copied) == 2
    assert len(copied[-1].events) == 2
    assert "2026-10-05" in copied[-1].body.decode()
