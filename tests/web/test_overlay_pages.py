"""What the overlay statute-2018 adds: refused before it is adopted, shown as the statute says afterwards."""

import shutil

import pytest

from caseq.web import phrases
from caseq.web.stage import Stage, Story
from tests.service import ROOT, case, event, milestone, party
from tests.settings.test_overlays import adopt
from tests.web.pagesamples import FILED, html_of, page_of, step, view_of

NOT_FILED = step("case_not_filed", "2026-11-01", ground="没有犯罪事实")
STOPPED = step("suspect_investigation_terminated", "2026-11-21", "S1")
DROPPED = step("case_withdrawn", "2026-11-21", ground="没有犯罪事实")
OPINION = step("expert_opinion", "2026-11-12", opinion_kind="损伤程度鉴定", reappraisal_until="2026-11-30")
DETAINED = step("compulsory_measure", "2026-11-11", "S1", measure="criminal_detention", action="imposed")


@pytest.fixture
def adopted(service_with, tmp_path):
    """A service whose office has adopted the overlay."""
    config = shutil.copytree(ROOT / "config", tmp_path / "config")
    adopt(config)
    return service_with(CASEQ_CONFIG_DIR=str(config))


@pytest.mark.parametrize("name", ["case_not_filed", "suspect_investigation_terminated"])
def test_before_it_is_adopted_its_milestones_are_refused(service, name):
    service.push(event("case", case()))
    (result,) = service.push(event("milestone", milestone(name)))
    assert result["outcome"] == "refused"
    assert list(result["errors"]) == ["data.name"]


def test_each_learns_what_the_statute_names_and_nothing_of_the_others(adopted):
    events = [
        event("case", case()),
        event("milestone", milestone("case_not_filed", details={"ground": "没有犯罪事实"}, document_number="1号")),
        event("milestone", milestone("suspect_investigation_terminated", subject="S1", document_number="2号")),
        event("milestone", milestone("case_withdrawn", details={"ground": "没有犯罪事实"}, document_number="3号")),
        event("milestone", milestone("expert_opinion", details={"opinion_kind": "损伤程度鉴定"})),
    ]
    roles = ("complainant", "victim", "victim_family", "suspect", "suspect_family", "agent", "third_party")
    phones = {role: f"1380000{number:04d}" for number, role in enumerate(roles)}
    events += [event("party", party(role, phone=phone)) for role, phone in phones.items()]
    phones["another suspect"] = "13900000001"
    events.append(event("party", party("suspect", "P-2", phones["another suspect"], subject="S2")))
    assert set(adopted.outcomes(*events)) == {"accepted"}
    seen = {role: adopted.seen_by(phone) for role, phone in phones.items()}
    names = {role: {m["name"] for m in view["milestones"]} for role, view in seen.items()}
    assert names["complainant"] == {"case_not_filed"}
    assert names["victim"] == {"case_withdrawn", "expert_opinion"}
    assert names["victim_family"] == {"case_withdrawn"}
    assert names["suspect"] == {"case_withdrawn", "expert_opinion", "suspect_investigation_terminated"}
    assert names["another suspect"] == names["suspect_family"] == names["agent"] == names["third_party"]
    assert names["agent"] == {"case_withdrawn", "expert_opinion"}
    victims = {m["name"]: m for m in seen["victim"]["milestones"]}
    assert "ground" not in victims["case_withdrawn"].get("details", {})
    assert victims["case_withdrawn"]["clause"] == "《公安机关办理刑事案件程序规定》第189条"
    assert seen["complainant"]["milestones"][0]["details"] == {"ground": "没有犯罪事实"}
    assert seen["victim"]["policy"] == "yongning-2017+statute-2018"


#: (role, what happened, the headline, the first thing to do holds)
HEADLINES = {
    "not filed": ("complainant", [NOT_FILED], "公安机关决定不立案", "可以申请复议"),
    "filed after all": ("complainant", [NOT_FILED, FILED], "已经立案，正在调查", "现在不需要"),
    "dropped": ("victim", [FILED, DROPPED], "案件已经撤销", "请联系办案单位"),
    "an opinion only": ("victim", [FILED, OPINION], "已经有鉴定意见，案件还在调查", "现在不需要"),
    "no longer investigated": ("suspect", [DETAINED, STOPPED], "公安机关决定不再侦查您这一方", "请收好决定书"),
}


@pytest.mark.parametrize(("role", "course", "headline", "to_do"), HEADLINES.values(), ids=HEADLINES.keys())
def test_the_page_says_what_was_decided_and_what_one_can_do(adopted, role, course, headline, to_do):
    view = view_of(adopted, "criminal", role, course)
    page = page_of(adopted, view)
    assert page.headline == headline
    assert to_do in page.to_do[0]
    assert "《公安机关办理刑事案件程序规定》" in page.basis
    english = html_of(adopted, view_of(adopted, "criminal", role, course, "en"), "en")
    assert '<span lang="zh-CN">《公安机关办理刑事案件程序规定》第1' in english
    assert '<span lang="zh-CN">四' not in english


def test_an_entry_of_the_overlay_names_its_statute_and_one_of_the_plan_its_number(adopted):
    page = page_of(adopted, view_of(adopted, "criminal", "victim", [FILED, OPINION]))
    clauses = {str(entry.title): str(entry.clause) for entry in page.entries}
    assert clauses["鉴定意见"] == "《公安机关办理刑事案件程序规定》第252条"
    assert "《" not in clauses["立案"]
    plan = adopted.runtime.settings.bureau.clause_source["zh"]
    assert page.basis.index(plan) < page.basis.index("四（二）1（1）") < page.basis.index("第189条")
    assert page.basis.count("第189条") == page.basis.count(plan) == 1


def test_a_refusal_before_the_filing_is_a_step_and_not_the_end(adopted):
    steps = page_of(adopted, view_of(adopted, "criminal", "complainant", [NOT_FILED, FILED])).steps
    assert [(step.state, str(step.title)) for step in steps[:3]] == [
        ("done", "决定不立案（不予立案）"),
        ("done", "立案"),
        ("now", "继续调查，收集证据"),
    ]


def test_a_refusal_to_file_is_not_announced_as_possible(adopted):
    steps = page_of(adopted, view_of(adopted, "criminal", "complainant", [FILED])).steps
    said = {str(words) for step in steps for words in (step.title, *step.choices)}
    assert "移送检察院审查起诉" in said
    assert "决定不立案（不予立案）" not in said


def test_every_stage_has_words_for_every_reader():
    """A rule may open any milestone to any role: no page may break for want of a sentence."""
    for story in Story:
        for stage in Stage:
            assert all(phrases.said(story, stage, "victim", None))
