"""The figures of a year at the console, and the totals that everybody may read: the same numbers, no small ones."""

import csv
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from bench import year as made_up
from caseq import printing, reporting
from caseq.rules.annual import Opinions, Performance, span
from caseq.rules.duties import StaffRole
from caseq.store.tables import audit
from caseq.web import performance as page_of
from caseq.web.kept import OLDEST
from caseq.web.language import words
from tests.staff import signed_in
from tests.web.visitor import Visitor

YEAR = 2026
NOW = datetime(YEAR, 11, 28, 4, tzinfo=UTC)


@pytest.fixture
def engine() -> str:
    """What the figures are is compared on both engines elsewhere."""
    return "sqlite"


@pytest.fixture
def filled(service):
    service.clock.now = NOW
    made_up.fill(service.runtime.database, span(YEAR), 60)
    return service


def looked(service, times):
    rows = [{"act": "view", "at": service.clock.now} for _ in range(times)]
    with service.runtime.database.transaction() as connection:
        connection.execute(insert(audit), rows)


def totals(page):
    """What stands on the public page: (title, value) pairs, this year's first."""
    return re.findall(r"<dt>(.*?)</dt><dd><b>(.*?)</b>", page)


# At the console


def test_the_console_shows_the_year_and_gives_the_same_numbers_as_a_table(filled):
    client = signed_in(filled, StaffRole.AUDITOR)
    page = client.get("/staff/report").get_data(as_text=True)
    figure = reporting.annual(filled.runtime, YEAR).figures["views"]
    assert f"<h1>{YEAR}年" in page
    assert f'<td class="n">{figure.total():,}</td>' in page
    link = f"/staff/report/{YEAR}/views_by_month.csv"
    assert link in page
    answer = client.get(link)
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.reader(answer.data.decode("utf-8-sig").splitlines()))
    assert sum(int(row[1]) for row in rows[1:]) == figure.total()
    for name in re.findall(rf"/staff/report/{YEAR}/(\w+)\.csv", page):
        assert client.get(f"/staff/report/{YEAR}/{name}.csv").status_code == 200


def test_other_years_can_be_chosen_and_years_that_are_none_are_not_there(filled):
    client = signed_in(filled, StaffRole.LEADER)
    page = client.get(f"/staff/report?year={YEAR - 1}").get_data(as_text=True)
    assert f'<option value="{YEAR - 1}" selected>' in page
    for path in ("?year=1", f"?year={YEAR + 1}", "/1.pdf", "/1/overview.csv", f"/{YEAR}/nothing.csv"):
        assert client.get(f"/staff/report{path}").status_code == 404, path


@pytest.mark.skipif(printing.state() != "ok", reason=f"sheets cannot be printed: {printing.state()}")
def test_the_report_can_be_had_as_pdf(filled):
    answer = signed_in(filled, StaffRole.REVIEWER).get(f"/staff/report/{YEAR}.pdf")
    assert (answer.content_type, answer.data[:5]) == ("application/pdf", b"%PDF-")


# For everybody


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_totals_of_two_years_are_public(filled, language):
    page = Visitor(filled, language).get("/performance")
    this, last = reporting.performance(filled.runtime)
    said = totals(page)
    assert (this.queries > 4, len(said)) == (True, 2 * 10)
    titles = {"zh": ("网上和电话查询", "按时告知"), "en": ("Looks at a case, online or by phone", "Told in time")}[
        language
    ]
    assert dict(said[:6])[titles[0]] == f"{this.queries:,}"
    assert dict(said[:6])[titles[1]] == f"{this.in_time:,}"
    assert this.year == last.year + 1 == YEAR


def test_a_count_of_one_to_four_is_not_given_and_none_is_none(service):
    service.clock.now = NOW
    looked(service, 4)
    assert dict(totals(Visitor(service).get("/performance"))[:6])["网上和电话查询"] == "少于5"
    looked(service, 1)
    service.clock.advance(minutes=11)
    said = dict(totals(Visitor(service).get("/performance"))[:6])
    assert (said["网上和电话查询"], said["按时告知"], said["按时率"]) == ("5", "0", "没有到期的事项")


def test_a_share_does_not_give_away_a_count_that_is_kept_back():
    def said(in_time: int, late: int) -> dict[str, str]:
        of_year = Performance(YEAR, 9, in_time, late, overdue=0, delivered=9, opinions=Opinions(9, 9, 9, 9))
        lines = page_of._lines(of_year, words("zh"))
        return {str(line.title): str(line.value) for line in lines}

    assert said(90, 10)["按时率"] == "90.0%"
    kept_back = said(97, 3)
    assert (kept_back["按时率"], kept_back["超过期限才告知"]) == ("不公布", "少于5")


def test_opinions_are_public_but_for_what_would_tell_of_few():
    opinions = Opinions(ratings=50, satisfied=41, complaints=9, answered=2)
    lines = page_of._lines(Performance(YEAR, 9, 9, 9, 9, 9, opinions), words("zh"))
    said = {str(line.title): str(line.value) for line in lines}
    assert [said[title] for title in ("评价", "满意", "投诉", "已答复的投诉")] == ["50", "41", "9", "少于5"]
    nearly_all = Opinions(ratings=50, satisfied=48, complaints=50, answered=47)
    lines = page_of._lines(Performance(YEAR, 9, 9, 9, 9, 9, nearly_all), words("zh"))
    said = {str(line.title): str(line.value) for line in lines}
    assert (said["满意"], said["已答复的投诉"]) == ("不公布", "不公布")


def test_the_totals_are_counted_anew_after_some_minutes_only(service):
    service.clock.now = NOW
    looked(service, 7)
    visitor = Visitor(service)
    first = totals(visitor.get("/performance"))
    looked(service, 8)
    service.clock.now += OLDEST - timedelta(seconds=1)
    assert totals(visitor.get("/performance")) == first
    service.clock.now += timedelta(seconds=1)
    assert dict(totals(visitor.get("/performance"))[:6])["网上和电话查询"] == "15"


def test_every_page_leads_to_the_totals(service):
    assert 'href="/performance"' in Visitor(service).get("/")
