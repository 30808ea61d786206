"""What may stand in an event: every refusal names the field that is wrong."""

from typing import Any

import pytest

from caseq.rules.case import DETAIL_FIELDS
from caseq.web import schemas
from tests import matrix
from tests.service import CASE, case, event, milestone, party

LONG = "长" * 101
WRONG_DAYS = (
    "2026-02-30",
    "20261123",
    "2026-1-2",
    "23.11.2026",
    "2026-11-23T00:00:00",
    "2026-W48-1",
    "0000-01-01",
    "",
    1,
)
WRONG_TIMES = (
    "2026-11-23T09:00:00",
    "2026-11-23",
    "2026-11-23 09:00:00+08:00",
    "2026-11-23T09:00+08:00",
    "2026-11-23T09:00:00+0800",
    "2026-02-30T09:00:00+08:00",
    "2026-11-23T25:00:00Z",
    "2026-11-23T09:00:00+25:00",
    "0001-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59-08:00",
    "20261123T090000Z",
    "２０２６-11-23T09:00:00Z",
    1763859600,
    "",
)


def attributes():
    """Wrong attributes of an event: (event, fields that must be named)."""
    whole = event("case", case())
    for name in ("specversion", "id", "source", "type", "subject", "time", "sequence", "data"):
        yield {key: value for key, value in whole.items() if key != name}, {name}
        yield {**whole, name: None}, {name}
        yield {**whole, name: 5}, {name}
        yield {**whole, name: [whole[name]]}, {name}
    for name in ("id", "source", "type", "subject", "sequence"):
        yield {**whole, name: ""}, {name}
        yield {**whole, name: "x" * 201}, {name}
    for name in ("id", "subject", "sequence"):
        yield {**whole, name: "a\tb"}, {name}
        yield {**whole, name: "a\u0085b"}, {name}
    for time in WRONG_TIMES:
        yield {**whole, "time": time}, {"time"}
    yield {**whole, "specversion": "0.3"}, {"specversion"}
    yield {**whole, "source": "trade"}, {"source"}
    yield {**whole, "type": "caseq.case.v2"}, {"type"}
    yield {**whole, "type": "caseq.officer.v1"}, {"type"}
    yield {**whole, "datacontenttype": "text/xml"}, {"datacontenttype"}
    yield {**whole, "dataschema": "http://example.org"}, {"dataschema"}
    yield {**whole, "data_base64": "e30="}, {"data_base64"}
    yield {**whole, "Subject": CASE}, {"Subject"}
    yield {**whole, "subject": "\u200b \u3000"}, {"subject"}
    yield {**whole, "id": None, "time": "now"}, {"id", "time"}
    yield {**whole, "data": "{}"}, {"data"}
    yield {**whole, "data": []}, {"data"}


def case_data():
    """Wrong data of a case: (event, fields that must be named)."""
    right = case()
    wrong = {
        "kind": ("traffic", "", None, 1, ["criminal"]),
        "state": ("lost", 1, ["open"]),
        "opened_on": WRONG_DAYS,
        "concluded_on": WRONG_DAYS,
        "juvenile": (1, 0, "true", "yes", []),
        "trade": (LONG, 5, "a\nb"),
        "merged_into": (LONG, 5),
        "aliases": ("A1", ["a"] * 21),
        "unit": (None, "城关派出所", []),
        "transferred_to": ("检察院",),
        "officer": ("某人",),
        "Kind": ("criminal",),
    }
    for name, values in wrong.items():
        for value in values:
            yield event("case", {**right, name: value}), {f"data.{name}"}
    for name in ("kind", "unit"):
        yield event("case", {key: value for key, value in right.items() if key != name}), {f"data.{name}"}
    for alias in (LONG, "", None, 5, "a\x07b", "\u200b"):
        yield event("case", case(aliases=["ok", alias])), {"data.aliases.1"}
    for name, value in {
        "name": LONG * 2,
        "address": LONG * 2,
        "phone": "1" * 51,
        "code": "1" * 21,
        "chief": "某人",
    }.items():
        yield event("case", case(unit={"name": "x", name: value})), {f"data.unit.{name}"}
    yield event("case", case(unit={})), {"data.unit.name"}
    yield event("case", case(transferred_to={"phone": "1"})), {"data.transferred_to.name"}
    yield event("case", case(transferred_to={"name": "x", "on": "20261123"})), {"data.transferred_to.on"}
    yield event("case", case(transferred_to={"name": "x", "reason": "y"})), {"data.transferred_to.reason"}


def party_data():
    """Wrong data of a party: (event, fields that must be named)."""
    wrong = {
        "role": ("witness", "", None, 1),
        "party": ("", None, LONG, 5, "P1 "),
        "name": (LONG, 5, "a\x01b"),
        "phone": (LONG, 19912345678),
        "subject": (LONG, 5, " S1", "S1 ", "S1\u3000", "\u2003"),
        "appeared_on": WRONG_DAYS,
        "valid_from": WRONG_DAYS,
        "valid_until": WRONG_DAYS,
        "sms": (1, 0, "true", "on"),
        "juvenile": (1, "no"),
        "id_card": ("640121199001011234",),
    }
    for name, values in wrong.items():
        for value in values:
            yield event("party", {**party(), name: value}), {f"data.{name}"}


def milestone_data():
    """Wrong data of a milestone: (event, fields that must be named)."""
    wrong: dict[str, tuple[Any, ...]] = {
        "name": ("verdict", "", None, 1),
        "milestone": ("", None, LONG, 5),
        "subject": (LONG, 5),
        "occurred_on": WRONG_DAYS,
        "document_number": (LONG, 5, "a\rb"),
        "details": ("none", [], 5),
        "hold": ("yes", [], True),
        "tell_first": (1, "true"),
        "ground": ("证据不足",),
    }
    for name, values in wrong.items():
        for value in values:
            yield event("milestone", {**milestone(), name: value}), {f"data.{name}"}
    yield event("milestone", milestone(hold={})), {"data.hold.reason"}
    yield event("milestone", milestone(hold={"reason": "x", "until": "2026-02-30"})), {"data.hold.until"}
    yield event("milestone", milestone(hold={"reason": "x", "by": "y"})), {"data.hold.by"}


def details():
    """Wrong details: (event, fields that must be named)."""
    wrong = {
        ("compulsory_measure", "measure"): ("prison", 1, ["arrest"], ""),
        ("compulsory_measure", "action"): ("begun",),
        ("hearing", "phase"): ("over",),
        ("hearing", "place"): ("地" * 201, "a\nb", 5),
        ("mediation", "outcome"): ("maybe",),
        ("mediation_agreement", "performed"): (1, "yes"),
        ("mediation_agreement", "perform_by"): WRONG_DAYS,
        ("expert_opinion", "reappraisal_until"): WRONG_DAYS,
        ("pre_penalty_notice", "statement_until"): WRONG_DAYS,
        ("inspection", "rectify_by"): WRONG_DAYS,
        ("petition_result", "review_by"): WRONG_DAYS,
        ("petition_result", "result"): ("结" * 201,),
        ("violation_notice", "behaviour"): ("行" * 201,),
        ("transferred_for_prosecution_review", "procuratorate"): (LONG,),
        ("case_withdrawn", "ground"): (LONG,),
        ("expert_opinion", "opinion_kind"): (LONG,),
        ("penalty_decision", "penalties"): ("fine", {"kind": "fine"}, [{"kind": "fine"}] * 21),
    }
    for (name, field), values in wrong.items():
        for value in values:
            yield event("milestone", milestone(name, details={field: value})), {f"data.details.{field}"}
    of_penalties: dict[str, tuple[Any, ...]] = {
        "kind": ("hanging", None, 1),
        "amount": ("500", 500.0, True, -1, 10**13),
        "days": ("5", 5.5, False, -1, 10**5),
        "until": ("2026-11-23",),
    }
    for field, values in of_penalties.items():
        for value in values:
            penalties = [{"kind": "warning"}, {"kind": "fine", field: value}]
            yield (
                event("milestone", milestone("penalty_decision", details={"penalties": penalties})),
                {f"data.details.penalties.1.{field}"},
            )
    yield event("milestone", milestone("trade_penalty", details={"penalties": [{}]})), {"data.details.penalties.0.kind"}


def withdrawals():
    """Wrong withdrawals: (event, fields that must be named)."""
    right = {"record": "party", "key": "P1"}
    for name, values in {
        "record": ("session", None, 1),
        "key": ("", None, LONG, 5),
        "reason": ("理" * 201, 5),
        "by": ("某人",),
    }.items():
        for value in values:
            yield event("withdrawal", {**right, name: value}), {f"data.{name}"}


WRONG = {
    "attributes": attributes,
    "case": case_data,
    "party": party_data,
    "milestone": milestone_data,
    "details": details,
    "withdrawal": withdrawals,
}


def is_named(field, errors):
    """Whether the errors name the field, or what is below it."""
    return any(name == field or name.startswith(field + ".") for name in errors)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_event_is_refused_and_the_wrong_field_is_named(service, wrong):
    table = list(wrong())
    assert table
    results = service.push(*(raw for raw, _ in table))
    unexpected = [
        (raw, fields, result)
        for (raw, fields), result in zip(table, results, strict=True)
        if result["outcome"] != "refused"
        or not all(is_named(field, result["errors"]) for field in fields)
        or len(result["errors"]) != len(fields)
        or not all(reasons for reasons in result["errors"].values())
    ]
    assert unexpected == []


def test_what_is_no_object_is_refused(service):
    results = service.push("text", 5, None, True, [], [event("case", case())])
    assert [(result["id"], result["outcome"], list(result["errors"])) for result in results] == [
        (None, "refused", ["event"])
    ] * 6


def test_an_id_that_is_no_text_is_not_repeated(service):
    results = service.push({**event("case", case()), "id": {"a": 1}}, {**event("case", case()), "id": 7})
    assert [result["id"] for result in results] == [None, None]


def test_the_details_of_a_milestone_are_those_of_the_matrix():
    granted: dict[str, set[str]] = {}
    for cell in matrix.cells():
        if cell.item not in ("unit", "rights"):
            granted.setdefault(cell.item, set()).update(set(cell.fields) - {"occurred_on", "document_number"})
    granted |= {"case_not_filed": {"ground"}, "suspect_investigation_terminated": set()}  # an overlay may show these
    assert {name.value: set(fields) for name, fields in DETAIL_FIELDS.items()} == granted


@pytest.mark.parametrize("name", sorted(DETAIL_FIELDS))
def test_a_detail_of_another_milestone_is_refused(name):
    others = {field for fields in DETAIL_FIELDS.values() for field in fields} - DETAIL_FIELDS[name]
    raw = event("milestone", milestone(name, details=dict.fromkeys(others)))
    assert set(schemas.errors_of(raw, "criminal")) == {f"data.details.{field}" for field in others}


FULL_DETAILS = {
    "procuratorate": "示例县人民检察院",
    "measure": "bail_pending_trial",
    "action": "imposed",
    "phase": "scheduled",
    "place": "示例县公安局二楼",
    "outcome": "agreed",
    "performed": True,
    "penalties": [{"kind": "fine", "amount": 500}, {"kind": "administrative_detention", "days": 5}],
    "ground": "没有犯罪事实",
    "opinion_kind": "伤情",
    "inspection_kind": "消防",
    "result": "合格",
    "behaviour": "未登记",
    "perform_by": "2026-12-01",
    "reappraisal_until": "2026-12-02",
    "statement_until": "2026-12-03",
    "rectify_by": "2026-12-04",
    "review_by": "2028-02-29",
}


@pytest.mark.parametrize("name", sorted(DETAIL_FIELDS))
def test_every_detail_that_the_matrix_names_is_taken(name):
    given = {field: FULL_DETAILS[field] for field in DETAIL_FIELDS[name]}
    assert schemas.errors_of(event("milestone", milestone(name, details=given)), "criminal") == {}


def test_a_key_may_be_null_where_it_may_be_left_out(service):
    empty_case = {
        "kind": "criminal",
        "opened_on": None,
        "unit": {"name": "x", "code": None, "address": None, "phone": ""},
        "aliases": None,
        "merged_into": None,
        "state": None,
        "concluded_on": None,
        "transferred_to": None,
        "juvenile": None,
        "trade": "",
    }
    empty_party = {"party": "P", "role": "victim", **dict.fromkeys(("name", "phone", "subject", "appeared_on", "sms"))}
    empty_milestone = {
        "milestone": "M",
        "name": "expert_opinion",
        **dict.fromkeys(("subject", "occurred_on", "document_number", "details", "hold", "tell_first")),
    }
    events = [
        event("case", empty_case),
        event("party", empty_party),
        event("milestone", empty_milestone),
        event(
            "milestone", {**empty_milestone, "details": {"reappraisal_until": None, "opinion_kind": ""}}, sequence="2"
        ),
        event("withdrawal", {"record": "milestone", "key": "M", "reason": None}, sequence="3"),
    ]
    assert service.outcomes(*events) == ["accepted"] * 5


def test_the_smallest_events_are_taken(service):
    events = [
        event("case", {"kind": "criminal", "unit": {"name": "x"}}),
        event("party", {"party": "P", "role": "victim"}),
        event("milestone", {"milestone": "M", "name": "case_filed"}),
        event("withdrawal", {"record": "milestone", "key": "M"}, sequence="2"),
    ]
    assert service.outcomes(*events) == ["accepted"] * 4


def test_the_largest_events_are_taken(service):
    texts: dict[str, Any] = {
        "trade": "业" * 100,
        "merged_into": "并" * 100,
        "aliases": [f"{n:>3}" + "号" * 97 for n in range(20)],
    }
    unit = {"name": "单" * 200, "address": "址" * 200, "phone": "1" * 50, "code": "1" * 20}
    events = [
        event("case", case(unit=unit, **texts), case="案" * 100, sequence="9" * 100, id="i" * 200),
        event("party", party(key="键" * 100, name="名" * 100, phone="话" * 100, subject="嫌" * 100), case="案" * 100),
        event("milestone", milestone(key="键" * 100, document_number="文" * 100), case="案" * 100, sequence="𠀀" * 100),
        event("milestone", milestone(key="K", hold={"reason": "由" * 200, "until": "9999-12-31"}), case="案" * 100),
    ]
    assert service.outcomes(*events) == ["accepted"] * 4


def test_every_form_of_time_of_the_standard_is_taken(service):
    times = (
        "2026-11-23T09:00:00Z",
        "2026-11-23t09:00:00z",
        "2026-11-23T09:00:00.123456789+08:00",
        "2026-11-23T09:00:00-12:00",
        "1900-01-01T00:00:00Z",
        "2199-12-31T23:59:59-12:00",
    )
    events = [event("case", case(), time=time, sequence=str(number)) for number, time in enumerate(times)]
    assert service.outcomes(*events) == ["accepted"] * len(times)


@pytest.mark.parametrize("time", ["9999-12-31T00:00:00+08:00", "2200-01-01T00:00:00Z", "1899-12-31T23:59:59Z"])
def test_what_programs_write_for_never_is_refused_alone(service, time):
    """No time limit ends there: the events beside it go through."""
    events = [event("case", case()), event("milestone", milestone(), time=time), event("party", party())]
    assert service.outcomes(*events) == ["accepted", "refused", "accepted"]
