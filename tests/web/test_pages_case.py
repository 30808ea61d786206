"""The case page: what each reader is told, and that it is told from the view alone."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from caseq.rules.case import SUSPECT_SIDE
from caseq.rules.disclosure import CaseView, TransferView
from caseq.web import casepage
from caseq.web.language import words
from caseq.web.wording import MILESTONES
from tests.web.pagesamples import (
    ACCEPTED,
    AGREEMENT,
    COURSES,
    DETAINED,
    FILED,
    HEARING,
    MEDIATION,
    NO_PENALTY,
    NOTICE,
    OPINION,
    PENALTY,
    SENT,
    SOLVED,
    WITHDRAWN,
    html_of,
    page_of,
    step,
    text_of,
    view_of,
)

SIDES = ["complainant", "victim", "victim_family", "suspect", "suspect_family", "agent", "third_party"]
READERS = [(kind, role) for kind in ("criminal", "administrative") for role in SIDES] + [("trade", "trade_member")]
LARGEST_BYTES = 30 * 1024


@pytest.fixture
def engine() -> str:
    """The pages are the same on every engine."""
    return "sqlite"


def test_every_reader_gets_a_page_for_every_course(service):
    css = (Path(service.app.static_folder) / "caseq.css").stat().st_size
    assert set(service.runtime.settings.policy.grants) == set(READERS)
    for kind, role in READERS:
        for course in COURSES[kind]:
            for language in ("zh", "en"):
                html = html_of(service, view_of(service, kind, role, course, language), language)
                assert html.count("<h1") == 1
                assert len(html.encode()) + css <= LARGEST_BYTES
                assert "None" not in text_of(html)
                assert "%(" not in html


def test_only_the_family_reads_of_their_relative(service):
    for kind, role in READERS:
        for course in COURSES[kind]:
            text = text_of(html_of(service, view_of(service, kind, role, course)))
            assert "您的家人" not in text or role == "suspect_family"


def test_a_measure_is_named_to_those_it_concerns_and_neutrally_to_others(service):
    said = {
        role: str(page_of(service, view_of(service, "criminal", role, [DETAINED])).headline) for role in SUSPECT_SIDE
    }
    assert said == {
        "suspect": "您被刑事拘留，案件还在调查",
        "suspect_family": "您的家人被刑事拘留，案件还在调查",
        "agent": "采取了刑事拘留，案件还在调查",
        "third_party": "采取了刑事拘留，案件还在调查",
    }


def test_suspects_read_that_a_measure_or_a_transfer_is_no_verdict(service):
    for role in SUSPECT_SIDE:
        for course in ([DETAINED], [DETAINED, SENT]):
            assert "不等于认定有罪" in page_of(service, view_of(service, "criminal", role, course)).meaning


def test_victims_are_not_told_that_a_measure_is_in_force(service):
    """They see its kind but not its action: it may have been lifted, and believing otherwise may cost a life."""
    lifted = step("compulsory_measure", "2026-11-15", "S1", measure="arrest", action="lifted")
    for course in ([FILED, DETAINED], [FILED, DETAINED, lifted]):
        page = page_of(service, view_of(service, "criminal", "victim", course))
        assert page.headline == "对嫌疑人采取过措施，还在继续调查"
        assert all("现在是否还在执行" in e.line for e in page.entries if "强制措施" in e.title)


def test_the_replacing_measure_counts_when_another_ended_on_the_same_day(service):
    lifted = step("compulsory_measure", "2026-11-15", "S1", measure="criminal_detention", action="lifted")
    arrest = step("compulsory_measure", "2026-11-15", "S1", measure="arrest", action="imposed")
    for course in ([DETAINED, lifted, arrest], [DETAINED, arrest, lifted]):
        page = page_of(service, view_of(service, "criminal", "suspect", course))
        assert page.headline == "您被逮捕，案件还在调查"
    page = page_of(service, view_of(service, "criminal", "suspect", [DETAINED, lifted]))
    assert page.headline == "强制措施已经解除，案件还在办理"


def test_a_measure_without_its_action_is_not_said_to_be_in_force(service):
    bare = step("compulsory_measure", "2026-11-15", "S1", measure="arrest")
    page = page_of(service, view_of(service, "criminal", "suspect_family", [bare]))
    assert page.headline == "采取了强制措施，案件还在调查"


def test_when_a_later_step_is_taken_back_its_tick_vanishes(service):
    before = page_of(service, view_of(service, "criminal", "victim", [FILED, SOLVED, SENT]))
    after = page_of(service, view_of(service, "criminal", "victim", [FILED, SOLVED]))
    assert [s.state for s in before.steps] == ["done", "done", "done", "now"]
    assert [s.state for s in after.steps] == ["done", "done", "now", "maybe"]
    assert "移送检察院审查起诉" not in [s.title for s in after.steps if s.state == "done"]


def test_the_track_offers_only_steps_that_the_role_may_see(service):
    for kind, role in READERS:
        grant = service.runtime.settings.policy.grant(kind, role)
        known = {MILESTONES[name] for name in grant.milestones}
        for course in COURSES[kind]:
            for s in page_of(service, view_of(service, kind, role, course)).steps:
                ahead = {str(c) for c in s.choices} or ({str(s.title)} if s.state == "maybe" else set())
                assert ahead <= known


def test_exactly_one_step_is_the_current_one(service):
    for kind, role in READERS:
        for course in COURSES[kind]:
            steps = page_of(service, view_of(service, kind, role, course)).steps
            assert sum(s.is_current for s in steps) == (1 if steps else 0)


def test_a_hearing_that_is_still_to_come_is_not_ticked(service):
    page = page_of(service, view_of(service, "administrative", "victim", [ACCEPTED, HEARING]))
    assert [(str(s.state), str(s.title)) for s in page.steps[:2]] == [("done", "接受报案（受案）"), ("now", "听证")]
    assert page.steps[1].note == "已经安排听证"


def test_decisions_about_several_people_are_told_as_such(service):
    view = view_of(service, "administrative", "victim", [ACCEPTED, PENALTY, NO_PENALTY])
    assert page_of(service, view).headline == "已经作出处理决定"


def test_failed_mediation_is_not_called_an_agreement(service):
    view = view_of(service, "administrative", "victim", [ACCEPTED, MEDIATION])
    assert page_of(service, view).headline == "调解没有谈成，案件继续办理"


def test_a_last_day_is_told_up_to_that_day_and_not_after(service):
    view = view_of(service, "administrative", "victim", [ACCEPTED, AGREEMENT])
    assert [str(day) for day, _ in page_of(service, view, today=date(2026, 11, 23)).due] == ["2026年11月23日 星期一"]
    assert page_of(service, view, today=date(2026, 11, 24)).due == ()


def test_a_statement_is_not_asked_for_after_the_decision(service):
    assert page_of(service, view_of(service, "administrative", "suspect", [NOTICE])).due != ()
    assert page_of(service, view_of(service, "administrative", "suspect", [NOTICE, PENALTY])).due == ()


def test_the_lists_of_what_is_and_is_not_shown_are_the_same_for_every_case(service):
    for kind, role in READERS:
        pages = [page_of(service, view_of(service, kind, role, course)) for course in COURSES[kind]]
        assert len({(page.seen, page.hidden, page.basis) for page in pages}) == 1


def test_an_empty_case_and_one_with_only_hidden_steps_look_the_same(service):
    hidden = [FILED, SOLVED, replace(DETAINED, subject="S2")]
    for role in SUSPECT_SIDE:
        empty = html_of(service, view_of(service, "criminal", role, []))
        assert html_of(service, view_of(service, "criminal", role, hidden)) == empty
        assert "还没有公开给您的内容" in empty


def test_pushed_text_stays_text(service):
    bad = "<svg onload=alert(1)>{{7*7}}%(x)s"
    course = [replace(OPINION, document_number=bad, details={"opinion_kind": bad}), replace(SENT, document_number=bad)]
    for language in ("zh", "en"):
        html = html_of(service, view_of(service, "criminal", "suspect", course, language), language)
        assert "<svg onload" not in html
        assert "&lt;svg onload=alert(1)&gt;{{7*7}}%(x)s" in html


def test_text_of_case_systems_is_marked_as_chinese_on_english_pages(service):
    view = view_of(service, "criminal", "suspect", [WITHDRAWN], "en")
    assert '<span lang="zh-CN">没有犯罪事实</span>' in html_of(service, view, "en")


def test_every_entry_the_unit_and_the_rights_say_by_which_clause_they_are_shown(service):
    for language, clause in (("zh", "依据：四（二）3（1）"), ("en", "Basis: 4(2)3(1)")):
        view = view_of(service, "criminal", "suspect", [DETAINED, SENT], language)
        html = text_of(html_of(service, view, language))
        assert html.count(clause) == len(view.milestones) + 2
        bare = text_of(html_of(service, replace(view, unit=None, rights=(), rights_clause=None), language))
        assert bare.count(clause) == len(view.milestones)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_transferred_case_says_too_what_is_never_shown(service, language):
    said = words(language)
    for kind, role in READERS:
        view = view_of(service, kind, role, [], language)
        page = casepage.transfer(replace(view, transferred_to=TransferView({}, "四(二)1(1)")), said)
        assert {pair[0] for pair in page.hidden} >= {pair[0] for pair in page_of(service, view, language).hidden}
        assert page.hidden


def test_the_title_tells_nothing(service):
    for kind, role in READERS:
        html = html_of(service, view_of(service, kind, role, COURSES[kind][-1]))
        assert "<title>结果 - 进展查询</title>" in html


def test_a_silent_source_is_told_in_plain_words(service):
    view = view_of(service, "criminal", "victim", [FILED])
    assert "可能不是最新的" not in html_of(service, view)
    silent = replace(view, source_silent=True)
    assert "从 2026年11月23日 12:00 起，办案系统没有传来消息。这里可能不是最新的。" in html_of(service, silent)
    assert "has sent nothing since 23 November 2026, 12:00. This may not be the latest." in html_of(
        service, silent, "en"
    )


def test_a_view_without_unit_dates_or_numbers_still_makes_a_page(service):
    bare = replace(FILED, occurred_on=None, document_number=None)
    view: CaseView = replace(view_of(service, "criminal", "victim", [bare]), unit=None, as_of=None, rights=())
    text = text_of(html_of(service, view))
    assert "日期看文书" in text
    assert service.runtime.settings.bureau.help_phone in text
