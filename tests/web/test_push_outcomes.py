"""What becomes of pushed events: accepted, duplicate, stale, parked, refused, and what the ledger holds then."""

import json

import pytest
from sqlalchemy import func, select

from caseq.store.tables import audit, case_aliases, cases, history, milestones, outbox, parked, quarantine, received
from tests.service import CASE, KEYS, case, event, milestone, party, signed

OTHER_CASE = "A6401215100002026110013"
ACCEPTED, DUPLICATE, STALE, PARKED, REFUSED = "accepted", "duplicate", "stale", "parked", "refused"


def count(service, table, *where):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def everything(service):
    """Every row that pushes can write, but the moments at which they came."""
    tables = (cases, case_aliases, milestones, history, received, parked, quarantine, outbox)
    with service.runtime.database.autocommit() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        }


def withdrawal(record, key, **more):
    return event("withdrawal", {"record": record, "key": key, "reason": "录入错误"}, **more)


def a_case():
    """A case that its victim can look at."""
    return [event("case", case()), event("party", party()), event("milestone", milestone())]


def names_seen(service):
    view = service.seen_by()
    return None if view is None else [seen["name"] for seen in view["milestones"]]


# Accepted, duplicate, stale


def test_a_pushed_case_can_be_seen(service):
    assert service.outcomes(*a_case()) == [ACCEPTED] * 3
    view = service.seen_by()
    assert view["case_number"] == CASE
    assert [(seen["name"], seen["occurred_on"]) for seen in view["milestones"]] == [("case_filed", "2026-11-22")]


def test_results_come_in_the_order_sent_with_the_ids_sent(service):
    events = [event("party", party()), event("case", case()), event("milestone", milestone())]
    results = service.push(*events, "nonsense")
    assert [result["id"] for result in results] == [*(raw["id"] for raw in events), None]
    assert [result["outcome"] for result in results] == [PARKED, ACCEPTED, ACCEPTED, REFUSED]


def test_the_same_event_again_is_a_duplicate_within_a_request_and_across_requests(service):
    first = event("case", case())
    assert service.outcomes(first, first) == [ACCEPTED, DUPLICATE]
    assert service.outcomes(first) == [DUPLICATE]
    assert count(service, history) == 1


def test_the_id_is_what_makes_a_duplicate_whatever_else_differs(service):
    first = event("case", case())
    again = {**event("case", case(state="withheld"), sequence="9"), "id": first["id"]}
    assert service.outcomes(first, again) == [ACCEPTED, DUPLICATE]
    assert count(service, cases, cases.c.state == "open") == 1


def test_two_sources_may_use_the_same_id(service):
    first = event("case", case())
    other = {**event("case", case("trade"), case=OTHER_CASE, source="trade"), "id": first["id"]}
    assert service.outcomes(first) == [ACCEPTED]
    assert service.outcomes(other, source="trade") == [ACCEPTED]


def test_a_whole_batch_again_changes_nothing(service):
    batch = [*a_case(), event("milestone", milestone("case_solved")), event("party", party(key="P9"), case=OTHER_CASE)]
    assert service.outcomes(*batch) == [ACCEPTED] * 4 + [PARKED]
    before = everything(service)
    assert service.outcomes(*batch) == [DUPLICATE] * 5
    assert everything(service) == before


def test_the_same_request_byte_for_byte_gets_the_same_kind_of_answer(service):
    """A sender that lost the answer sends the same request again, with the same headers."""
    body = json.dumps(a_case()).encode()
    headers = signed("criminal", body, service.clock.now.timestamp())
    first, second = (service.client.post("/push/v1/criminal", data=body, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert [result["id"] for result in first.get_json()["results"]] == [
        result["id"] for result in second.get_json()["results"]
    ]
    assert {result["outcome"] for result in second.get_json()["results"]} == {DUPLICATE}


def test_a_later_sequence_replaces_and_an_earlier_one_is_stale(service):
    service.push(event("case", case()), event("party", party()))
    dates = {"5": "2026-11-05", "4": "2026-11-04", "6": "2026-11-06"}
    events = [event("milestone", milestone(occurred_on=day), sequence=number) for number, day in dates.items()]
    assert [service.outcomes(one)[0] for one in events] == [ACCEPTED, STALE, ACCEPTED]
    assert [seen["occurred_on"] for seen in service.seen_by()["milestones"]] == ["2026-11-06"]
    assert count(service, milestones) == 1
    assert count(service, history, history.c.record == "milestone") == 2


def test_the_same_sequences_in_one_request_give_the_same(service):
    service.push(event("case", case()), event("party", party()))
    events = [
        event("milestone", milestone(occurred_on=f"2026-11-0{number}"), sequence=number) for number in ("5", "4", "6")
    ]
    assert service.outcomes(*events) == [ACCEPTED, STALE, ACCEPTED]
    assert [seen["occurred_on"] for seen in service.seen_by()["milestones"]] == ["2026-11-06"]
    service.work()
    assert len([text for text in service.messages() if "新内容" in text]) == 1
    assert list(service.told().values()) == [2]


def test_the_same_sequence_once_more_is_stale(service):
    service.push(*a_case())
    assert service.outcomes(event("milestone", milestone(occurred_on="2026-11-01"))) == [STALE]
    assert service.seen_by()["milestones"][0]["occurred_on"] == "2026-11-22"


def test_sequences_are_compared_as_texts_by_their_code_points(service):
    """Not as numbers, and not by the collation of a database: the adapter pads what it counts."""
    service.push(event("case", case(), sequence="09"))
    results = {sequence: service.outcomes(event("case", case(), sequence=sequence))[0] for sequence in ("10", "9", "a")}
    assert results == {"10": ACCEPTED, "9": ACCEPTED, "a": ACCEPTED}
    assert service.outcomes(event("case", case(), sequence="B")) == [STALE]


def test_an_accepted_event_of_a_record_leaves_the_other_records_alone(service):
    service.push(*a_case())
    service.push(event("milestone", milestone("case_solved"), sequence="2"))
    assert sorted(names_seen(service)) == ["case_filed", "case_solved"]


# Parked


def test_what_comes_before_its_case_waits_for_it(service):
    early = [event("party", party()), event("milestone", milestone())]
    assert service.outcomes(*early) == [PARKED, PARKED]
    assert names_seen(service) is None
    assert service.outcomes(event("case", case())) == [ACCEPTED]
    assert names_seen(service) == ["case_filed"]
    assert count(service, parked) == 0
    assert service.outcomes(*early) == [DUPLICATE, DUPLICATE]


def test_a_parked_event_again_is_a_duplicate_and_waits_once(service):
    early = event("party", party())
    assert [service.outcomes(early)[0] for _ in range(2)] == [PARKED, DUPLICATE]
    assert count(service, parked) == 1


def test_the_newest_of_several_parked_states_wins_whatever_their_order(service):
    for sequence in ("2", "3", "1"):
        service.push(event("milestone", milestone(occurred_on=f"2026-11-0{sequence}"), sequence=sequence))
    service.push(event("party", party()))
    service.push(event("case", case()))
    assert [seen["occurred_on"] for seen in service.seen_by()["milestones"]] == ["2026-11-03"]


def test_a_withdrawal_that_comes_before_its_case_is_kept_too(service):
    service.push(withdrawal("milestone", "M-case_filed", sequence="5"), event("party", party()))
    service.push(event("milestone", milestone(), sequence="4"), event("case", case()))
    assert names_seen(service) == []


def test_an_event_waits_for_its_own_case_only(service):
    service.push(event("party", party()), event("milestone", milestone(), case=OTHER_CASE))
    service.push(event("case", case()))
    assert names_seen(service) == []
    assert count(service, parked) == 1


def test_a_record_of_another_spelling_of_the_case_number_is_refused(service):
    """Whether it is this case or another one that people cannot tell apart, only the source knows."""
    spelled = CASE.lower().replace("a6401", "Ａ6401-")
    assert service.outcomes(event("case", case()), event("party", party(), case=spelled)) == [ACCEPTED, REFUSED]


def test_events_wait_in_the_namespace_of_their_source(service):
    early = event("party", party())
    service.push(early)
    service.push({**event("party", party(role="trade_member"), source="trade"), "id": early["id"]}, source="trade")
    assert count(service, parked) == 2
    service.push(event("case", case()))
    assert count(service, parked, parked.c.source == "trade") == 1
    assert count(service, parked) == 1


# Refused


def test_a_refused_event_is_kept_and_the_rest_of_the_batch_is_stored(service):
    wrong = event("milestone", milestone(verdict="guilty"))
    results = service.push(event("case", case()), wrong, event("party", party()))
    assert [result["outcome"] for result in results] == [ACCEPTED, REFUSED, ACCEPTED]
    assert results[1] == {
        "id": wrong["id"],
        "outcome": "refused",
        "errors": {"data.verdict": ["Unknown field."]},
    }
    assert "errors" not in results[0]
    assert count(service, quarantine) == 1
    assert service.seen_by() is not None


def test_the_same_refused_event_is_kept_once(service):
    wrong = event("milestone", milestone("verdict"))
    assert service.outcomes(wrong, wrong) == [REFUSED, REFUSED]
    assert service.outcomes(wrong) == [REFUSED]
    assert count(service, quarantine) == 1


def test_a_refused_event_may_come_again_under_its_id_once_it_is_right(service):
    service.push(event("case", case()), event("party", party()))
    right = event("milestone", milestone())
    wrong = {**right, "data": milestone("verdict", key="M-case_filed")}
    assert service.outcomes(wrong) == [REFUSED]
    assert service.outcomes(right) == [ACCEPTED]
    assert names_seen(service) == ["case_filed"]


def test_who_is_withdrawn_by_the_request_that_brings_news_hears_nothing_of_it(service):
    service.push(event("case", case()), event("party", party()), event("party", party(key="P2", phone="13900139000")))
    service.work()
    gone = withdrawal("party", party()["party"], sequence="2")
    assert service.outcomes(event("milestone", milestone()), gone) == [ACCEPTED] * 2
    passing = event("party", party(key="P3")), withdrawal("party", "P3", sequence="2")
    assert service.outcomes(event("milestone", milestone(key="M2")), *passing) == [ACCEPTED] * 3
    with service.runtime.database.autocommit() as connection:
        told = connection.execute(select(outbox.c.party_id).where(outbox.c.purpose == "news").distinct()).all()
    assert len(told) == 1


def test_a_moment_of_the_farthest_zone_is_kept(service):
    far = {"time": "2026-11-23T09:00:00+23:59"}
    assert service.outcomes(event("case", case(), **far), event("party", party(), **far)) == [ACCEPTED] * 2
    assert service.outcomes(event("party", party(), sequence="2", **far)) == [ACCEPTED]


def test_a_case_that_comes_twice_in_one_request_takes_its_number_from_another_s_aliases(service):
    other = "A6401215100002026110077"
    service.push(event("case", case(aliases=[other])))
    service.push(event("case", case(), case=other), event("case", case(), case=other, sequence="2"))
    with service.runtime.database.autocommit() as connection:
        assert connection.execute(select(case_aliases.c.alias_key)).all() == []


def test_an_id_that_was_refused_may_come_again_in_the_same_request(service):
    unfit = event("party", party(role="applicant"))
    right = {**unfit, "data": party()}
    assert service.outcomes(event("case", case()), unfit, right, right) == [
        "accepted",
        "refused",
        "accepted",
        "duplicate",
    ]
    assert service.outcomes(unfit, right) == ["duplicate", "duplicate"]


def test_what_was_parked_and_is_refused_when_its_case_comes_may_come_again_under_its_id(service):
    unfit = event("party", party(role="applicant"))
    assert service.outcomes(unfit, event("case", case()), unfit) == ["parked", "accepted", "duplicate"]
    assert service.outcomes({**unfit, "data": party()}) == ["accepted"]


def test_an_event_that_did_not_fit_the_ledger_may_come_again_under_its_id_too(service):
    right = event("case", case())
    assert service.outcomes({**right, "data": case("administrative")}) == [REFUSED]
    assert service.outcomes(right) == [ACCEPTED]


def test_a_case_of_another_source_is_refused_in_every_type(service):
    service.push(event("case", case()))
    foreign = [
        event("case", case("trade"), source="trade", sequence="9"),
        event("party", party(role="trade_member"), source="trade"),
        event("milestone", milestone("inspection"), source="trade"),
        withdrawal("case", CASE, source="trade", sequence="9"),
    ]
    results = service.push(*foreign, source="trade")
    assert [(result["outcome"], list(result["errors"])) for result in results] == [(REFUSED, ["subject"])] * 4
    assert service.outcomes(event("party", party())) == [ACCEPTED]
    assert service.seen_by()["kind"] == "criminal"


def test_a_number_is_free_for_another_source_once_its_case_was_withdrawn(service):
    service.push(event("case", case()), withdrawal("case", CASE, sequence="2"))
    moved = [event("case", case("trade"), source="trade")]
    assert service.outcomes(*moved, source="trade") == [ACCEPTED]
    again = service.push(event("case", case(), sequence="3"))
    assert (again[0]["outcome"], list(again[0]["errors"])) == (REFUSED, ["subject"])


def test_a_kind_that_is_not_the_source_s_is_refused(service):
    result = service.push(event("case", case("administrative")))[0]
    assert (result["outcome"], list(result["errors"])) == (REFUSED, ["data.kind"])
    assert count(service, cases) == 0


def test_a_key_that_is_recorded_under_another_case_is_refused(service):
    service.push(*a_case(), event("case", case(), case=OTHER_CASE))
    moved = [
        event("party", party(), case=OTHER_CASE, sequence="2"),
        event("milestone", milestone(), case=OTHER_CASE, sequence="2"),
        withdrawal("party", "P-victim", case=OTHER_CASE, sequence="2"),
    ]
    results = service.push(*moved)
    assert [(result["outcome"], list(result["errors"])) for result in results] == [(REFUSED, ["data"])] * 3
    assert names_seen(service) == ["case_filed"]
    assert service.seen_by(case=OTHER_CASE) is None


def test_a_record_moves_to_another_case_after_it_was_withdrawn_from_the_first(service):
    service.push(*a_case(), event("case", case(), case=OTHER_CASE))
    token = service.log_in()
    service.push(withdrawal("party", "P-victim", sequence="2"), withdrawal("milestone", "M-case_filed", sequence="2"))
    moved = [
        event("party", party(), case=OTHER_CASE, sequence="3"),
        event("milestone", milestone(), case=OTHER_CASE, sequence="3"),
    ]
    assert service.outcomes(*moved) == [ACCEPTED, ACCEPTED]
    assert service.view(token) is None
    for number in (CASE, OTHER_CASE):
        service.clock.advance(minutes=6)
        seen = service.seen_by(case=number)
        assert (seen["case_number"], [item["name"] for item in seen["milestones"]]) == (OTHER_CASE, ["case_filed"])


def test_who_moved_to_another_case_hears_nothing_more_of_the_first(service):
    service.push(event("case", case()), event("party", party()), event("case", case(), case=OTHER_CASE))
    moved = [
        withdrawal("party", "P-victim", sequence="2"),
        event("party", party(), case=OTHER_CASE, sequence="3"),
        event("milestone", milestone()),
    ]
    assert service.outcomes(*moved) == [ACCEPTED] * 3
    assert count(service, outbox) == 0


def test_what_moved_to_another_case_is_no_news_of_the_first(service):
    service.push(event("case", case()), event("milestone", milestone()), event("case", case(), case=OTHER_CASE))
    moved = [
        withdrawal("milestone", "M-case_filed", sequence="2"),
        event("milestone", milestone(), case=OTHER_CASE, sequence="3"),
        event("party", party()),
    ]
    assert service.outcomes(*moved) == [ACCEPTED] * 3
    assert count(service, outbox) == 0


# Withdrawals


def test_a_withdrawn_milestone_is_gone_and_may_come_back(service):
    service.push(*a_case())
    assert service.outcomes(withdrawal("milestone", "M-case_filed", sequence="2")) == [ACCEPTED]
    assert names_seen(service) == []
    assert service.outcomes(event("milestone", milestone(), sequence="1")) == [STALE]
    service.clock.advance(minutes=6)
    assert names_seen(service) == []
    assert service.outcomes(event("milestone", milestone(), sequence="3")) == [ACCEPTED]
    service.clock.advance(minutes=6)
    assert names_seen(service) == ["case_filed"]


def test_a_withdrawn_party_is_out_and_may_come_back(service):
    service.push(*a_case())
    token = service.log_in()
    assert service.view(token) is not None
    assert service.outcomes(withdrawal("party", "P-victim", sequence="2")) == [ACCEPTED]
    assert service.view(token) is None
    service.clock.advance(minutes=6)
    assert service.log_in() is None
    assert service.outcomes(event("party", party(), sequence="3")) == [ACCEPTED]
    service.clock.advance(minutes=6)
    assert service.log_in() is not None


def test_a_withdrawn_case_is_closed_and_may_come_back(service):
    service.push(*a_case())
    token = service.log_in()
    assert service.outcomes(withdrawal("case", CASE, sequence="2")) == [ACCEPTED]
    assert service.view(token) is None
    service.clock.advance(minutes=6)
    assert service.log_in() is None
    assert service.outcomes(event("case", case(), sequence="3")) == [ACCEPTED]
    service.clock.advance(minutes=6)
    assert names_seen(service) == ["case_filed"]


def test_a_withdrawal_that_comes_first_holds_against_what_comes_later_but_was_before_it(service):
    service.push(event("case", case()))
    first = [withdrawal("party", "P-victim", sequence="5"), withdrawal("milestone", "M-case_filed", sequence="5")]
    assert service.outcomes(*first) == [ACCEPTED, ACCEPTED]
    late = [event("party", party(), sequence="4"), event("milestone", milestone(), sequence="4")]
    assert service.outcomes(*late) == [STALE, STALE]
    newer = [event("party", party(), sequence="6"), event("milestone", milestone(), sequence="6")]
    assert service.outcomes(*newer) == [ACCEPTED, ACCEPTED]
    assert names_seen(service) == ["case_filed"]


def test_record_and_withdrawal_in_one_request_leave_nothing_to_see(service):
    service.push(event("case", case()), event("party", party()))
    both = [event("milestone", milestone(), sequence="1"), withdrawal("milestone", "M-case_filed", sequence="2")]
    assert service.outcomes(*both) == [ACCEPTED, ACCEPTED]
    assert names_seen(service) == []
    back = [withdrawal("party", "P-victim", sequence="2"), event("party", party(), sequence="3")]
    assert service.outcomes(*back) == [ACCEPTED, ACCEPTED]
    service.clock.advance(minutes=6)
    assert names_seen(service) == []


def test_a_second_withdrawal_moves_the_sequence_on(service):
    service.push(*a_case(), withdrawal("milestone", "M-case_filed", sequence="2"))
    assert service.outcomes(withdrawal("milestone", "M-case_filed", sequence="5")) == [ACCEPTED]
    assert service.outcomes(event("milestone", milestone(), sequence="4")) == [STALE]


def test_a_case_can_only_be_withdrawn_by_its_own_number(service):
    service.push(event("case", case()))
    result = service.push(withdrawal("case", OTHER_CASE, sequence="2"))[0]
    assert (result["outcome"], list(result["errors"])) == (REFUSED, ["data.key"])


# Aliases


def test_a_case_is_found_by_its_newest_aliases_only(service):
    service.push(event("case", case(aliases=["示公（刑）立字〔2026〕12号"])), event("party", party()))
    assert service.seen_by(case="示公(刑)立字[2026]12号") is not None
    service.clock.advance(minutes=6)
    service.push(event("case", case(aliases=["示公（刑）立字〔2026〕13号"]), sequence="2"))
    assert service.seen_by(case="示公（刑）立字〔2026〕12号") is None
    assert service.seen_by(case="示公（刑）立字〔2026〕13号") is not None


# Heartbeat and checkpoint


def checkpoint(service, source="criminal"):
    headers = signed(source, b"", service.clock.now.timestamp(), key=KEYS[source])
    return service.client.get(f"/push/v1/{source}/checkpoint", headers=headers).get_json()


def test_an_empty_batch_is_a_sign_of_life(service):
    service.push(*a_case())
    token = service.log_in()
    service.clock.advance(minutes=14)
    assert service.view(token)["as_of"] == "2026-11-23T12:00:00+08:00"
    assert service.push() == []
    assert service.view(token)["as_of"] == "2026-11-23T12:14:00+08:00"


def test_a_source_that_said_nothing_for_a_day_is_silent_until_it_speaks(service):
    service.push(*a_case())
    service.clock.advance(minutes=1440)
    token = service.log_in()
    assert service.view(token)["source_silent"] is False
    service.clock.advance(minutes=1)
    assert service.view(token)["source_silent"] is True
    service.push()
    assert service.view(token)["source_silent"] is False


def test_the_checkpoint_of_a_source_that_never_spoke_is_empty(service):
    assert checkpoint(service) == {
        "source": "criminal",
        "records": {"case": 0, "party": 0, "milestone": 0},
        "newest_sequence": None,
        "last_batch": None,
    }


def test_the_checkpoint_counts_live_records_of_the_source(service):
    service.push(*a_case(), event("milestone", milestone("case_solved"), sequence="7"))
    service.push(
        withdrawal("milestone", "M-case_filed", sequence="3"), event("party", party(key="P9"), case=OTHER_CASE)
    )
    service.push(event("case", case("trade"), case=OTHER_CASE, source="trade"), source="trade")
    found = checkpoint(service)
    assert found["records"] == {"case": 1, "party": 1, "milestone": 1}
    assert found["newest_sequence"] == "7"
    assert checkpoint(service, "trade")["records"] == {"case": 1, "party": 0, "milestone": 0}


def test_every_request_is_in_the_audit_with_its_counts_and_nothing_personal(service):
    service.push(*a_case(), event("milestone", milestone("verdict")))
    with service.runtime.database.autocommit() as connection:
        row = connection.execute(select(audit).where(audit.c.act == "push")).one()
    assert row.source == "criminal"
    assert {name: row.facts[name] for name in ("accepted", "refused")} == {"accepted": 3, "refused": 1}
    assert set(row.facts) == {"origin", "accepted", "refused"}


@pytest.mark.parametrize(
    ("type_", "data", "field"),
    [
        ("milestone", milestone("mediation"), "data.name"),
        ("milestone", milestone("case_accepted"), "data.name"),
        ("party", party("trade_member"), "data.role"),
        ("party", party("petitioner"), "data.role"),
    ],
)
def test_what_a_case_of_this_kind_cannot_have_is_refused_and_not_kept(service, type_, data, field):
    service.push(event("case", case()))
    (result,) = service.push(event(type_, data))
    assert (result["outcome"], list(result["errors"])) == ("refused", [field])
    assert "criminal" in result["errors"][field][0]


def test_what_came_before_its_case_is_refused_when_the_case_is_of_another_kind(service):
    assert service.outcomes(event("milestone", milestone("mediation"))) == ["parked"]
    assert service.outcomes(event("case", case())) == ["accepted"]
    assert count(service, milestones) == 0
    assert count(service, quarantine) == 1
