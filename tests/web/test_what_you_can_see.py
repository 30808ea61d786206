"""The public page of the policy: every cell of the matrix in words, from the rules themselves, the same as a file."""

import re
from collections import Counter

import pytest
from click.testing import CliRunner

from caseq.cli import main
from caseq.rules.case import COMMON_FIELDS, DETAIL_FIELDS, UNIT_FIELDS
from caseq.settings.policyfile import read_policy
from caseq.web import policypage, policytext
from caseq.web.language import words
from caseq.web.wording import MILESTONES, role_word
from tests import matrix
from tests.service import ROOT

PATH = "/what-you-can-see"
DISCLOSURE = ROOT / "config" / "disclosure"


def page_of(service, language="zh"):
    answer = service.client.get(f"{PATH}?lang={language}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def sections_of(html):
    """(heading, rows) of every table on the page; a row is its cells as texts."""
    found = []
    for heading, table in re.findall(r"<h3[^>]*>(.*?)</h3>.*?<table.*?<tbody[^>]*>(.*?)</tbody>", html, re.S):
        rows = [re.findall(r"<(?:th|td)[^>]*>(.*?)</(?:th|td)>", row, re.S) for row in table.split("</tr>")[:-1]]
        found.append((heading, [[re.sub(r"<[^>]+>", " ", cell).strip() for cell in row] for row in rows]))
    return found


def in_words(item):
    return {"unit": "办案单位和电话", "rights": "权利和义务"}.get(item) or MILESTONES[item]


def test_the_page_has_every_cell_of_the_matrix_and_no_other(service):
    told: Counter[tuple[str, str, str]] = Counter()
    for heading, rows in sections_of(page_of(service)):
        roles = heading.split("：")[-1].split("、")
        told.update((role, row[0], row[1].split(" ")[0]) for role in roles for row in rows)
    expected = Counter(
        (
            role_word(cell.kind, cell.role),
            in_words(cell.item),
            "、".join(policytext.FIELDS[field] for field in cell.fields) or "全文",
        )
        for cell in matrix.cells()
    )
    assert told == expected


def test_every_row_has_its_clause_and_its_reason(service):
    for language in ("zh", "en"):
        for heading, rows in sections_of(page_of(service, language)):
            assert all(len(row) == 4 and all(row) for row in rows), heading
    assert {row[2] for _, rows in sections_of(page_of(service)) for row in rows} == {
        f"四（二）{group}（1）" for group in range(1, 8)
    }


def test_groups_that_are_not_online_stand_under_told_on_paper_only(service):
    online, paper = re.split(r"<h2[^>]*>只用文书或者回访告知</h2>", page_of(service))
    assert {heading.split("：")[0] for heading, _ in sections_of(paper)} == {"行政复议", "国家赔偿", "信访", "行政管理"}
    assert not re.search("行政复议：|信访人", online)
    assert "在网上查不到" in paper


def test_the_window_after_the_end_is_told_as_configured(service):
    page = page_of(service)
    days = service.runtime.settings.policy.closing
    assert page.count(f"还能看 {days['criminal']} 天") == page.count(f"还能看 {days['administrative']} 天") == 2
    assert f"还能看 {days['petition']} 天" not in page  # petitioners are told on paper: nothing closes to them online


def test_the_page_says_whom_an_item_may_concern(service):
    victims = dict(sections_of(page_of(service)))["控告人、被害人、被害人家属"]
    suspects = dict(sections_of(page_of(service)))["嫌疑人、嫌疑人家属、代理人（律师）、第三人"]
    assert "说的是每名嫌疑人，不写是谁" in next(row[1] for row in victims if row[0] == "刑事强制措施")
    assert "只说整个案件和您这一方" in next(row[1] for row in suspects if row[0] == "刑事强制措施")


def test_the_page_needs_no_script_and_is_found_from_every_page(service):
    page = page_of(service)
    assert "<script" not in page
    for path in ("/", "/help", PATH, "/no-such-page"):
        assert f'href="{PATH}"' in service.client.get(path).get_data(as_text=True)


def test_the_page_does_not_depend_on_who_asks(service):
    """It is public: no case, no number, no session changes it."""
    pages = {re.sub(r'value="[^"]+"', "", page_of(service)) for _ in range(2)}
    assert len(pages) == 1


def test_the_file_and_the_page_hold_the_same_part(service, monkeypatch):
    shown = CliRunner().invoke(main, ["policy", "show", "--format", "html", "--language", "en"]).output
    part = policypage.part(service.runtime.settings.policy, words("en"))
    assert part in shown
    assert part in page_of(service, "en")
    assert not re.search(r"<(script|link|img)|src=|href=\"(?!#)|url\(", shown), "the file must stand alone"
    assert shown.startswith('<!doctype html>\n<html lang="en">')


def test_an_adopted_overlay_splits_the_roles_it_treats_differently():
    adopted = read_policy(DISCLOSURE / "yongning-2017.toml", [DISCLOSURE / "statute-2018.toml"])
    found = sections_of(policypage.part(adopted, words("zh")))
    assert [heading for heading, _ in found[:5]] == [
        "控告人",
        "被害人",
        "被害人家属",
        "嫌疑人",
        "嫌疑人家属、代理人（律师）、第三人",
    ]
    assert found[0][1][-1][2] == "《公安机关办理刑事案件程序规定》第178条"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_field_that_a_rule_may_name_has_words(language):
    fields = COMMON_FIELDS | UNIT_FIELDS | set().union(*DETAIL_FIELDS.values())
    assert set(policytext.FIELDS) == fields
    assert all(words(language).say(message) for message in policytext.FIELDS.values())
