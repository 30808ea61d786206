"""What people say of the service: one rating a month, complaints with two levels, each with a clock of its own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from caseq import housekeeping, inbox, voicing
from caseq.rules.case import BUREAU_TIME
from caseq.rules.duties import Staff, StaffRole
from caseq.rules.voices import About, Level, State
from caseq.store import tasks, voices
from caseq.store.database import Connection
from caseq.store.tables import audit, complaints, ratings, staff
from caseq.store.voices import Rating
from caseq.voicing import Failed, Heard
from tests.service import CASE, PHONE, UNIT, Service, case, event, milestone, party
from tests.workcalendar import NEW_YEAR_OF_2027, known_up_to

WEEK = timedelta(days=7)
SAID = "等了一个月，没有人回我"


def member(service: Service, badge: str, role: StaffRole, unit: str | None = None) -> Staff:
    """Somebody of the bureau."""
    row = {"badge": badge, "name": "某人", "role": role.value, "unit": unit, "password_hash": "-", "must_change": False}
    more = {"totp_last_step": 0, "made_at": service.clock()}
    with service.runtime.database.transaction() as connection:
        id_ = connection.execute(insert(staff).returning(staff.c.id), {**row, **more}).scalar_one()
    return Staff(id_, badge, "某人", role, unit)


@pytest.fixture
def token(service):
    service.push(event("case", case()), event("milestone", milestone()), event("party", party()))
    return service.log_in()


@pytest.fixture
def unit(service):
    return member(service, "U1", StaffRole.UNIT, UNIT["code"])


@pytest.fixture
def supervisor(service):
    return member(service, "R1", StaffRole.REVIEWER)


def rows(service, *columns):
    """What stands in these columns of one table, or in all of it, oldest first."""
    table = getattr(columns[0], "table", columns[0])
    with service.runtime.database.autocommit() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(table.c.id))]


def complained(service, token, text=SAID, about=About.LATE):
    made = voicing.complain(service.runtime, token, about, text)
    assert not isinstance(made, Failed)
    return made


def own(service, token) -> Heard:
    found = voicing.heard(service.runtime, token)
    assert isinstance(found, Heard)
    return found


def waiting(service, by):
    level = inbox.level_of(by)
    assert level is not None
    return [one.id for one in inbox.box(service.runtime, by, level).waiting]


def to_do(service):
    with service.runtime.database.autocommit() as connection:
        return [
            (one.kind, one.party, one.case_number) for one in tasks.waiting(connection) if one.reason == "complaint"
        ]


def counts(service):
    with service.runtime.database.autocommit() as connection:
        return tasks.counts(connection, service.clock())


def figures(service):
    with service.runtime.database.autocommit() as connection:
        return voices.figures(connection, service.clock() - 60 * WEEK, service.clock() + timedelta(seconds=1))


# Ratings


def test_the_last_rating_of_a_month_counts_and_each_month_has_one(service, token):
    assert voicing.rating(service.runtime, token) is None
    voicing.rate(service.runtime, token, 2, "")
    voicing.rate(service.runtime, token, 4, "后来有人回了我")
    said = voicing.rating(service.runtime, token)
    assert isinstance(said, Rating)
    assert (said.score, said.text, said.month) == (4, "后来有人回了我", "2026-11")
    service.clock.advance(days=10)
    token = service.log_in()
    assert voicing.rating(service.runtime, token) is None
    voicing.rate(service.runtime, token, 5, "")
    assert rows(service, ratings.c.month, ratings.c.score) == [("2026-11", 4), ("2026-12", 5)]
    assert figures(service).ratings == {4: 1, 5: 1}
    assert figures(service).average == 4.5


def test_a_month_begins_at_the_midnight_of_the_bureau():
    assert voicing.month_of(datetime(2026, 12, 1, 0, 30, tzinfo=BUREAU_TIME)) == "2026-12"
    assert voicing.month_of(datetime(2026, 11, 30, 23, 30, tzinfo=BUREAU_TIME)) == "2026-11"


def test_a_text_that_is_too_long_is_kept_nowhere(service, token):
    assert voicing.rate(service.runtime, token, 3, "长" * 501) is Failed.TOO_LONG
    assert voicing.complain(service.runtime, token, About.OTHER, "长" * 501) is Failed.TOO_LONG
    assert voicing.complain(service.runtime, token, About.OTHER, " \x00\n ") is Failed.EMPTY
    assert rows(service, ratings.c.id) == rows(service, complaints.c.id) == []


def test_units_are_rated_by_average_and_words_stand_without_whose_they_are(service, token, unit):
    voicing.rate(service.runtime, token, 2, SAID)
    box = inbox.box(service.runtime, unit, Level.UNIT)
    assert [(one.unit_code, one.count, one.average) for one in box.units] == [(UNIT["code"], 1, 2.0)]
    assert [(one.score, one.text) for one in box.words] == [(2, SAID)]
    elsewhere = member(service, "U2", StaffRole.UNIT, "640121999999")
    assert inbox.box(service.runtime, elsewhere, Level.UNIT).units == []
    assert inbox.box(service.runtime, elsewhere, Level.UNIT).words == []


# Complaints, and their first answer


def test_a_complaint_is_due_after_ten_working_days_and_its_task_names_no_party(service, token):
    made = complained(service, token)
    assert made.first.due_at == datetime(2026, 12, 8, tzinfo=BUREAU_TIME)  # 23 November + 10 working days
    assert to_do(service) == [(tasks.Kind.ANSWER, None, CASE)]
    assert counts(service)[tasks.Kind.ANSWER] == (1, 0)
    service.clock.now = datetime(2026, 12, 8, 0, 0, 1, tzinfo=BUREAU_TIME)
    assert counts(service)[tasks.Kind.ANSWER] == (1, 1)


def test_the_unit_answers_and_the_party_reads_it(service, token, unit):
    made = complained(service, token)
    assert waiting(service, unit) == [made.id]
    found = inbox.read(service.runtime, unit, made.id)
    assert found is not None
    read, texts = found
    assert (texts.first.text, read.role, read.case_number) == (SAID, "victim", CASE)
    assert inbox.answer(service.runtime, unit, made.id, "已经联系您了") is None
    assert waiting(service, unit) == to_do(service) == []
    heard = own(service, token).complaints
    assert [(one.state, one.first.answer) for one in heard] == [(State.ANSWERED, "已经联系您了")]
    assert [(one.about, one.state, one.in_time, one.count) for one in figures(service).complaints] == [
        ("late", "answered", True, 1)
    ]


def test_the_party_gets_one_sms_that_there_is_an_answer_from_each_level_and_none_when_it_wants_none(
    service, token, unit, supervisor
):
    service.work()
    before = len(service.messages(PHONE))
    made = complained(service, token)
    for _ in range(2):
        inbox.answer(service.runtime, unit, made.id, "已经联系您了")
        service.work()
    told = service.messages(PHONE)[before:]
    assert len(told) == 1
    assert "有新内容" in told[0]
    service.push(event("party", party(sms=False), sequence="2"))
    assert voicing.go_on(service.runtime, token, 1, "没有解决") is None
    assert inbox.answer(service.runtime, supervisor, made.id, "已责成办理") is None
    service.work()
    assert len(service.messages(PHONE)) == before + 1


def test_of_two_answers_at_once_the_first_one_stands(service, token):
    made = complained(service, token)
    people = [member(service, f"L{n}", StaffRole.LEADER) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda by: inbox.answer(service.runtime, by, made.id, f"答复{by.badge}"), people))
    assert sorted(ended, key=str) == [None, *[inbox.Failed.GONE] * 3]
    winner = people[ended.index(None)]
    ((found,),) = (own(service, token).complaints,)
    assert found.first.answer == f"答复{winner.badge}"
    assert rows(service, audit.c.staff_id, audit.c.facts)[-1][0] == winner.id


def test_the_same_complaint_sent_twice_at_once_is_one(service, token):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: complained(service, token).n, range(4)))
    assert made == [1, 1, 1, 1]
    assert len(rows(service, complaints.c.id)) == 1


def test_at_most_three_complaints_wait_at_once_however_they_come(service, token, unit):
    with ThreadPoolExecutor(5) as pool:
        ended = list(pool.map(lambda n: voicing.complain(service.runtime, token, About.OTHER, f"第{n}件"), range(5)))
    assert ended.count(Failed.TOO_MANY) == 2
    assert not own(service, token).may_complain
    inbox.answer(service.runtime, unit, waiting(service, unit)[0], "好的")
    assert own(service, token).may_complain
    assert complained(service, token, "又一件").n == 4


def test_what_is_said_of_officers_is_read_by_their_leader_and_not_by_themselves(service, token, unit):
    made = complained(service, token, about=About.CONDUCT)
    leader = member(service, "L1", StaffRole.LEADER, UNIT["code"])
    assert waiting(service, unit) == []
    assert inbox.read(service.runtime, unit, made.id) is None
    assert inbox.answer(service.runtime, unit, made.id, "没有的事") is inbox.Failed.GONE
    assert to_do(service) == [(tasks.Kind.ANSWER, None, None)]
    assert waiting(service, leader) == [made.id]
    assert inbox.answer(service.runtime, leader, made.id, "已经核查") is None


def test_another_unit_neither_sees_nor_answers_it(service, token):
    made = complained(service, token)
    for role in (StaffRole.UNIT, StaffRole.LEADER):
        other = member(service, f"X-{role}", role, "640121999999")
        assert waiting(service, other) == []
        assert inbox.read(service.runtime, other, made.id) is None
        assert inbox.answer(service.runtime, other, made.id, "x") is inbox.Failed.GONE


def test_an_answer_must_say_something_and_not_too_much(service, token, unit):
    made = complained(service, token)
    assert inbox.answer(service.runtime, unit, made.id, " ") is inbox.Failed.EMPTY
    assert inbox.answer(service.runtime, unit, made.id, "长" * 1001) is inbox.Failed.TOO_LONG
    clerk = member(service, "C1", StaffRole.WINDOW_CLERK)
    assert inbox.answer(service.runtime, clerk, made.id, "x") is inbox.Failed.GONE
    assert waiting(service, unit) == [made.id]


# Further up


def test_after_an_answer_it_goes_to_the_supervising_office_with_a_clock_of_its_own(service, token, unit, supervisor):
    made = complained(service, token)
    assert voicing.go_on(service.runtime, token, 1, "没有解决") is Failed.NOT_NOW
    inbox.answer(service.runtime, unit, made.id, "已经处理")
    assert waiting(service, supervisor) == []
    assert voicing.go_on(service.runtime, token, 1, "没有解决") is None
    assert voicing.go_on(service.runtime, token, 1, "没有解决") is Failed.NOT_NOW
    assert waiting(service, unit) == []
    assert waiting(service, supervisor) == [made.id]
    assert to_do(service) == [(tasks.Kind.SUPERVISE, None, None)]
    assert inbox.answer(service.runtime, unit, made.id, "还是我来") is inbox.Failed.GONE
    assert inbox.answer(service.runtime, supervisor, made.id, "已责成重新办理") is None
    ((found,),) = (own(service, token).complaints,)
    assert found.second is not None
    assert (found.state, found.second.text, found.second.answer) == (State.CLOSED, "没有解决", "已责成重新办理")
    assert voicing.go_on(service.runtime, token, 1, "还是没有") is Failed.NOT_NOW


def test_when_no_answer_comes_in_time_it_goes_up_and_the_unit_is_too_late(service, token, unit, supervisor):
    made = complained(service, token)
    service.clock.now = made.first.due_at - timedelta(seconds=1)
    token = service.log_in()
    assert own(service, token).may_go_on == frozenset()
    service.clock.now = made.first.due_at
    assert own(service, token).may_go_on == {1}
    assert voicing.go_on(service.runtime, token, 1, "没有人答复") is None
    assert inbox.answer(service.runtime, unit, made.id, "来晚了") is inbox.Failed.GONE
    assert waiting(service, supervisor) == [made.id]
    assert [(one.state, one.in_time) for one in figures(service).complaints] == [("second", None)]


def test_another_grant_of_the_same_number_sees_and_moves_nothing_of_it(service, token, unit):
    made = complained(service, token)
    inbox.answer(service.runtime, unit, made.id, "好")
    service.push(event("party", party("suspect", phone="19911112222")))
    other = service.log_in("19911112222")
    assert own(service, other).complaints == []
    assert voicing.go_on(service.runtime, other, 1, "x") is Failed.NOT_NOW


@pytest.mark.parametrize("change", [{"state": "withheld"}, {"juvenile": True, "state": "withheld"}])
def test_who_may_not_look_at_the_case_says_nothing_of_it_either(service, token, change):
    service.push(event("case", case(**change), sequence="2"))
    for ended in (
        voicing.rating(service.runtime, token),
        voicing.rate(service.runtime, token, 1, ""),
        voicing.heard(service.runtime, token),
        voicing.complain(service.runtime, token, About.LATE, SAID),
        voicing.go_on(service.runtime, token, 1, SAID),
    ):
        assert ended is Failed.SIGNED_OUT


def test_of_a_case_that_another_organ_handles_nothing_is_taken(service, token):
    gone = case(state="transferred", transferred_to={"name": "示例市公安局", "on": "2026-11-20"})
    service.push(event("case", gone, sequence="2"))
    assert voicing.rate(service.runtime, token, 1, "") is Failed.ELSEWHERE
    assert voicing.complain(service.runtime, token, About.LATE, SAID) is Failed.ELSEWHERE


# What is kept, and what is forgotten


def test_texts_lie_sealed_and_the_audit_has_none(service, token, unit):
    made = complained(service, token)
    voicing.rate(service.runtime, token, 1, SAID)
    inbox.answer(service.runtime, unit, made.id, "已经联系您了")
    stored = repr(rows(service, complaints)) + repr(rows(service, ratings)) + repr(rows(service, audit))
    assert "等了" not in stored
    assert "联系" not in stored
    acts = [act for (act,) in rows(service, audit.c.act) if act in ("complain", "rate", "complaint_answer")]
    assert acts == ["complain", "rate", "complaint_answer"]


def test_texts_are_forgotten_after_three_years_and_what_waits_for_an_answer_is_not(service, token, unit):
    made = complained(service, token)
    complained(service, token, "还有一件")
    voicing.rate(service.runtime, token, 1, SAID)
    inbox.answer(service.runtime, unit, made.id, "已经联系您了")
    service.clock.advance(days=31)
    housekeeping.tidy(service.runtime)
    assert rows(service, complaints.c.state) == [("closed",), ("open",)]
    service.clock.advance(days=1064)
    housekeeping.tidy(service.runtime)
    assert None not in rows(service, complaints.c.text_sealed)[0]
    service.clock.advance(seconds=1)
    housekeeping.tidy(service.runtime)
    kept = [text is not None for (text,) in rows(service, complaints.c.text_sealed)]
    assert kept == [False, True]
    assert rows(service, complaints.c.answer_sealed)[0] == rows(service, ratings.c.text_sealed)[0] == (None,)
    assert rows(service, ratings.c.score) == [(1,)]


def test_figures_are_those_of_the_span_and_of_the_unit(service, token):
    complained(service, token)
    voicing.rate(service.runtime, token, 3, "")
    now = service.clock()

    def of(connection: Connection, since: datetime, until: datetime, unit: str | None = None) -> tuple[int, int]:
        found = voices.figures(connection, since, until, unit)
        return sum(found.ratings.values()), sum(one.count for one in found.complaints)

    with service.runtime.database.autocommit() as connection:
        assert of(connection, now, now + WEEK) == (1, 1)
        assert of(connection, now - WEEK, now) == (0, 0)
        assert of(connection, now + WEEK, now + 2 * WEEK) == (0, 0)
        assert of(connection, now, now + WEEK, UNIT["code"]) == (1, 1)
        assert of(connection, now, now + WEEK, "640121999999") == (0, 0)


def test_a_late_answer_counts_as_late(service, token, unit):
    made = complained(service, token)
    service.clock.now = made.first.due_at
    assert inbox.answer(service.runtime, unit, made.id, "来晚了") is None
    assert [(one.state, one.in_time) for one in figures(service).complaints] == [("answered", False)]


def test_a_date_across_new_year_becomes_final_with_its_task_once_the_notice_is_known(service, token):
    with known_up_to(2026):
        service.clock.now = datetime(2026, 12, 22, 12, tzinfo=BUREAU_TIME)
        made = complained(service, service.log_in())
        assumed = [(made.first.due_at, True)]
        assert made.first.due_at == datetime(2027, 1, 6, tzinfo=BUREAU_TIME)
        voicing.recount(service.runtime)
        assert rows(service, complaints.c.due_at, complaints.c.due_provisional) == assumed
        service.runtime = replace(
            service.runtime, settings=replace(service.runtime.settings, workdays=NEW_YEAR_OF_2027)
        )
        voicing.recount(service.runtime)
        final = datetime(2027, 1, 7, tzinfo=BUREAU_TIME)
        assert rows(service, complaints.c.due_at, complaints.c.due_provisional) == [(final, False)]
        with service.runtime.database.autocommit() as connection:
            assert [one.due_at for one in tasks.waiting(connection)] == [final]


def test_a_complaint_is_not_done_by_a_note_of_staff(service, token):
    complained(service, token)
    with service.runtime.database.transaction() as connection:
        (task,) = [one for one in tasks.waiting(connection) if one.kind is tasks.Kind.ANSWER]
        assert tasks.finish(connection, task.id, "U1", "done", service.clock()) is None
    assert len(to_do(service)) == 1


def test_a_text_moved_to_another_row_does_not_open(service, token):
    complained(service, token)
    complained(service, token, "另一件")
    with service.runtime.database.transaction() as connection:
        first, second = connection.execute(select(complaints.c.text_sealed).order_by(complaints.c.n)).scalars()
        assert first != second
        connection.execute(update(complaints).where(complaints.c.n == 2).values(text_sealed=first))
    with pytest.raises(Exception, match="seal"):
        own(service, token)
