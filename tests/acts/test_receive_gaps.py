"""Numbers that are missing among the files of a source: noticed, named at every look, closed by what was missing."""

import pytest

from caseq import intake, watching
from caseq.rules.pushfile import Span, newly_missing, without
from tests.pushfiles import part_of
from tests.service import case, event


def missing(inbox):
    return [(gap.source, gap.missing.first, gap.missing.last) for gap in watching.gaps(inbox.runtime)]


def named(logged, name="files_missing"):
    return [(line["source"], line["first"], line["last"]) for line in logged if line["event"] == name]


def test_what_is_missing_is_named_at_every_look_and_what_came_later_is_taken(service, inbox, logged):
    inbox.put(1)
    inbox.put(4, event("case", case()))
    assert not inbox.receive()
    assert inbox.names("taken") == ["criminal-0000000001.push", "criminal-0000000004.push"]
    held = intake.checkpoint(inbox.runtime, inbox.runtime.settings.sources["criminal"])
    assert (held["records"]["case"], held["last_batch"]) == (1, 4)
    assert inbox.said[-1].startswith("criminal: batches 2 to 3 are missing, noticed 2026-11-23T04:00:00")
    service.clock.advance(hours=1)
    assert not inbox.receive()
    assert named(logged) == [("criminal", 2, 3)] * 2
    assert [line["since"] for line in logged if line["event"] == "files_missing"] == ["2026-11-23T04:00:00+00:00"] * 2
    assert {line["log_level"] for line in logged if line["event"] == "files_missing"} == {"error"}


def test_a_late_file_is_taken_and_closes_its_gap(service, inbox, logged):
    for batch in (1, 5):
        inbox.put(batch)
    inbox.receive()
    service.clock.advance(hours=1)
    inbox.put(3)
    assert not inbox.receive()
    assert missing(inbox) == [("criminal", 2, 2), ("criminal", 4, 4)]
    assert {gap.noticed_at.hour for gap in watching.gaps(inbox.runtime)} == {4}
    for batch in (4, 2):
        inbox.put(batch)
    assert inbox.receive()
    assert missing(inbox) == []


def test_a_file_from_before_the_first_opens_the_gap_between_them(inbox):
    inbox.put(5)
    assert inbox.receive()
    inbox.put(2)
    assert not inbox.receive()
    assert missing(inbox) == [("criminal", 3, 4)]


def test_each_source_counts_for_itself(inbox):
    inbox.put(1)
    inbox.put(9, source="trade")
    inbox.put(2)
    assert inbox.receive()


def test_a_file_that_was_refused_is_missing_until_it_comes_whole(inbox):
    inbox.put(1)
    inbox.put(2, body=b"[")
    inbox.put(3)
    assert not inbox.receive()
    assert missing(inbox) == [("criminal", 2, 2)]
    inbox.put(2)
    assert inbox.receive()
    assert missing(inbox) == []


def full_copy(inbox, first, parts, only=None, copy_id="C1"):
    for part in only or range(1, parts + 1):
        batch = first + part - 1
        inbox.put(batch, message_id=part_of(copy_id, part, parts, batch))


def test_a_complete_full_copy_heals_the_gaps_before_it(inbox, logged):
    inbox.put(1)
    inbox.put(4)
    inbox.receive()
    full_copy(inbox, 5, 3)
    assert inbox.receive()
    assert missing(inbox) == []
    assert named(logged, "gap_healed") == [("criminal", 2, 3)]
    inbox.put(2)
    assert inbox.receive()


def test_a_full_copy_that_lacks_a_part_heals_nothing_until_the_part_comes(inbox):
    inbox.put(1)
    full_copy(inbox, 4, 3, only=(1, 3))
    assert not inbox.receive()
    assert missing(inbox) == [("criminal", 2, 3), ("criminal", 5, 5)]
    full_copy(inbox, 4, 3, only=(2,))
    assert inbox.receive()


def test_parts_of_two_copies_do_not_make_one(inbox):
    inbox.put(1)
    full_copy(inbox, 4, 2, only=(1,), copy_id="A")
    full_copy(inbox, 4, 2, only=(2,), copy_id="B")
    inbox.receive()
    assert missing(inbox) == [("criminal", 2, 3)]


def test_a_full_copy_does_not_heal_what_is_missing_within_or_after_it(inbox):
    inbox.put(1)
    inbox.put(5)
    assert not inbox.receive()
    inbox.put(2, message_id=part_of("A", 1, 2, 2))
    inbox.put(4, message_id=part_of("A", 2, 2, 4))
    assert not inbox.receive()
    assert missing(inbox) == [("criminal", 3, 3)]


def test_the_full_copy_of_one_source_heals_no_other(inbox):
    inbox.put(1, source="trade")
    inbox.put(3, source="trade")
    inbox.put(8)
    assert not inbox.receive()
    full_copy(inbox, 9, 1)
    assert not inbox.receive()
    assert missing(inbox) == [("trade", 2, 2)]


def test_the_figures_say_how_many_are_missing(service, inbox):
    inbox.put(1)
    inbox.put(4)
    inbox.put(1, source="trade")
    service.push(source="petition")
    inbox.receive()
    text = service.client.get("/metrics").get_data(as_text=True)
    figures = {line for line in text.splitlines() if line.startswith("caseq_files_missing{")}
    assert figures == {'caseq_files_missing{source="criminal"} 2.0', 'caseq_files_missing{source="trade"} 0.0'}


@pytest.mark.parametrize(
    ("taken", "batch", "span"),
    [
        (None, 7, None),
        (Span(3, 5), 6, None),
        (Span(3, 5), 2, None),
        (Span(3, 5), 4, None),
        (Span(3, 5), 7, Span(6, 6)),
        (Span(3, 5), 1, Span(2, 2)),
    ],
)
def test_only_numbers_between_those_taken_are_missing(taken, batch, span):
    assert newly_missing(taken, batch) == span


@pytest.mark.parametrize(("batch", "rest"), [(2, [Span(3, 4)]), (3, [Span(2, 2), Span(4, 4)]), (4, [Span(2, 3)])])
def test_a_batch_that_came_is_cut_out_of_its_gap(batch, rest):
    assert without(Span(2, 4), batch) == rest
