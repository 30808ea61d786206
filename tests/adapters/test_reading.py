"""What becomes of the rows of a case."""

from typing import Any

import pytest

from tests.adapters.bench import NUMBER, OTHER, Adapter, Source
from tests.adapters.peer import key_of


def _data(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {key_of(event): event["data"] for event in events}


def test_a_criminal_case_becomes_case_milestones_and_parties_in_this_order(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000", PASJ="20261105000000", YSSJ="20261110090000", JA_JASJ="20261111000000")
    source.add_suspect(ASJ_XYRZT="2", CS="04", CSZXRQ="20261020150000")
    source.add_victim()
    events = adapter.pushed()
    assert [event["type"].split(".")[1] for event in events] == ["case", *["milestone"] * 4, *["party"] * 4]
    case = events[0]
    assert case["subject"] == NUMBER
    assert case["data"] == {
        "kind": "criminal",
        "opened_on": "2026-10-01",
        "aliases": ["示公受〔2026〕AJ1号"],
        "state": "open",
        "unit": {
            "code": "640121510000",
            "name": "示例县公安局东湖派出所",
            "address": "示例县东湖镇湖滨路8号",
            "phone": "0951-8010051",
        },
    }
    milestones = _data(adapter.peer.of("milestone"))
    assert milestones["AJ1:case_filed"] == {
        "milestone": "AJ1:case_filed",
        "name": "case_filed",
        "occurred_on": "2026-10-03",
    }
    assert milestones["RXY1:compulsory_measure:04:20261020150000"] == {
        "milestone": "RXY1:compulsory_measure:04:20261020150000",
        "name": "compulsory_measure",
        "subject": "RXY1",
        "occurred_on": "2026-10-20",
        "details": {"measure": "criminal_detention", "action": "imposed"},
    }
    assert set(milestones) == {
        "AJ1:case_filed",
        "AJ1:case_solved",
        "AJ1:transferred_for_prosecution_review",
        "RXY1:compulsory_measure:04:20261020150000",
    }


def test_parties_carry_role_subject_appearance_and_the_phone_as_typed(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(ASJ_XYRZT="2", CSZXRQ="20261020150000", LXDH="+86 19900000001 ")
    source.add_suspect(row_id="XY2", ASJ_XYRZT="2")
    source.add_suspect(row_id="XY3", ASJ_XYRZT="1", CSZXRQ="20261020150000", CSRQ="20090101")
    source.add_victim()
    adapter.once()
    parties = _data(adapter.peer.of("party"))
    assert parties["RXY1"] == {
        "party": "RXY1",
        "role": "suspect",
        "name": "疑某",
        "phone": "+86 19900000001 ",
        "subject": "RXY1",
        "appeared_on": "2026-10-20",
        "sms": True,
    }
    assert parties["RXY1:family"] == {
        "party": "RXY1:family",
        "role": "suspect_family",
        "name": "疑家",
        "phone": "199-0000-0002",
        "subject": "RXY1",
        "appeared_on": "2026-10-20",
        "sms": True,
    }
    assert parties["RXY2"]["appeared_on"] == "2026-10-02"
    assert "appeared_on" not in parties["RXY3"]
    assert parties["RXY3"]["juvenile"] is True
    assert parties["SSH1:victim"]["role"] == "victim"
    assert parties["SSH1:victim_family"]["name"] == "害家"


def test_only_victims_and_complainants_are_parties_and_only_victims_have_family(
    source: Source, adapter: Adapter
) -> None:
    source.add_case()
    for code in "1239":
        source.add_victim(row_id=f"SH{code}", RYJS=code)
    adapter.once()
    roles = {key: party["role"] for key, party in _data(adapter.peer.of("party")).items()}
    assert roles == {
        "SSH1:victim": "victim",
        "SSH1:victim_family": "victim_family",
        "SSH2:complainant": "complainant",
    }


def test_a_contact_with_neither_name_nor_phone_is_no_party(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_victim(LXRXM=None, LXRDH=" ")
    source.add_victim(row_id="SH2", LXRXM="", LXRDH="19900000009")
    adapter.once()
    assert set(_data(adapter.peer.of("party"))) == {"SSH1:victim", "SSH2:victim", "SSH2:victim_family"}


@pytest.mark.parametrize(
    ("words", "penalties"),
    [
        ("警告", [{"kind": "warning"}]),
        ("罚款500元", [{"kind": "fine", "amount": 500}]),
        ("罚款５００元", [{"kind": "fine", "amount": 500}]),
        (
            "行政拘留10日并罚款500元",
            [{"kind": "administrative_detention", "days": 10}, {"kind": "fine", "amount": 500}],
        ),
        (
            "行政拘留10日，并处罚款 500 元",
            [{"kind": "administrative_detention", "days": 10}, {"kind": "fine", "amount": 500}],
        ),
    ],
)
def test_penalties_are_read_from_the_words(
    source: Source, adapter: Adapter, words: str, penalties: list[dict[str, object]]
) -> None:
    source.add_case(AJLX="行政", JA_JASJ="20261111000000", RESERVATION08=words)
    adapter.once()
    milestones = _data(adapter.peer.of("milestone"))
    assert milestones["AJ1:penalty_decision"]["details"] == {"penalties": penalties}
    assert milestones["AJ1:case_accepted"]["document_number"] == "示公受〔2026〕AJ1号"


@pytest.mark.parametrize("words", ["罚款伍佰元", "罚款500元以下", "拘留5日", "警告并", "罚款0元", "社区服务"])
def test_words_that_cannot_be_read_are_refused_here_and_kept_visible(
    source: Source, adapter: Adapter, words: str
) -> None:
    source.add_case(AJLX="行政", JA_JASJ="20261111000000", RESERVATION08=words)
    adapter.once()
    assert set(_data(adapter.peer.of("milestone"))) == {"AJ1:case_accepted"}
    assert adapter.state("SELECT case_number, origin, name, field FROM unreadable") == [
        (NUMBER, "case:AJ1", "penalty_decision", "RESERVATION08")
    ]
    source.change_case("20261112000000", RESERVATION08="警告")
    assert [event["type"] for event in adapter.pushed()] == ["caseq.milestone.v1"]
    assert adapter.state("SELECT * FROM unreadable") == []


def test_codes_and_dates_that_cannot_be_read_refuse_only_their_record(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="十月三日")
    source.add_suspect(CS="77", CSZXRQ="20261020150000", CSRQ="19901301")
    source.add_victim(RYJS="5")
    source.add_case(OTHER, "AJ2", AJLX="民事")
    adapter.once()
    assert [key_of(event) for event in adapter.peer.events] == [NUMBER, "RXY1:family"]
    assert adapter.state("SELECT case_number, name, field FROM unreadable ORDER BY 1, 2, 3") == [
        (NUMBER, "case_filed", "LASJ"),
        (NUMBER, "compulsory_measure", "CS"),
        (NUMBER, "party", "CSRQ"),
        (NUMBER, "party", "RYJS"),
        (OTHER, "case", "AJLX"),
    ]


def test_a_measure_with_a_new_code_is_a_new_milestone_and_the_old_one_stays(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(CS="04", CSZXRQ="20261020150000", LASTUPDATEDTIME="20261020150000")
    adapter.once()
    source.change_suspect("20261103090000", CS="05", CSZXRQ="20261103080000")
    events = adapter.pushed()
    assert [key_of(event) for event in events] == ["RXY1:compulsory_measure:05:20261103080000"]
    assert events[0]["data"]["details"] == {"measure": "arrest", "action": "changed"}
    assert len([place for place in adapter.peer.live() if place[1] == "milestone"]) == 2
    assert adapter.pushed("20260101000000") == []


def test_a_measure_whose_date_is_not_typed_yet_takes_nothing_back(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(CS="04", CSZXRQ="20261020150000", LASTUPDATEDTIME="20261020150000")
    adapter.once()
    source.change_suspect("20261103090000", CS="05", CSZXRQ=None)
    assert adapter.pushed() == []
    assert adapter.pushed("20260101000000") == []
    source.change_suspect("20261103090100", CS="05", CSZXRQ="20261103080000")
    events = adapter.pushed()
    assert [key_of(event) for event in events] == ["RXY1:compulsory_measure:05:20261103080000"]
    assert events[0]["data"]["details"] == {"measure": "arrest", "action": "changed"}


def test_a_corrected_date_of_a_measure_corrects_its_milestone(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(CS="04", CSZXRQ="20261020150000")
    adapter.once()
    source.change_suspect("20261103090000", CSZXRQ="20261021150000")
    events = adapter.pushed()
    assert [key_of(event) for event in events] == ["RXY1:compulsory_measure:04:20261020150000"]
    assert events[0]["data"]["occurred_on"] == "2026-10-21"


def test_an_emptied_measure_is_withdrawn_and_the_ones_before_stay(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(CS="04", CSZXRQ="20261020150000")
    adapter.once()
    source.change_suspect("20261103090000", CS="05", CSZXRQ="20261103080000")
    adapter.once()
    source.change_suspect("20261104090000", CS=None, CSZXRQ=None)
    assert [(event["type"], key_of(event)) for event in adapter.pushed()] == [
        ("caseq.withdrawal.v1", "RXY1:compulsory_measure:05:20261103080000")
    ]
    assert adapter.pushed("20260101000000") == []
    source.change_suspect("20261105090000", CS="04", CSZXRQ="20261020150000")
    assert adapter.pushed() == []


def test_two_cases_with_one_number_are_both_kept_back(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_case(row_id="AJ2")
    source.add_victim()
    assert adapter.pushed() == []
    assert adapter.state("SELECT name, field FROM unreadable") == [("case", "AJBH")]


def test_one_person_number_on_two_rows_is_pushed_once_and_the_other_kept_visible(
    source: Source, adapter: Adapter
) -> None:
    source.add_case()
    source.add_case(OTHER, "AJ2")
    source.add_suspect()
    source.add_suspect(OTHER, "XY2", RYBH="RXY1")
    adapter.once()
    assert {event["subject"] for event in adapter.peer.of("party")} == {NUMBER}
    assert adapter.state("SELECT DISTINCT case_number, origin, field FROM unreadable") == [
        (OTHER, "suspects:XY2", "key")
    ]
