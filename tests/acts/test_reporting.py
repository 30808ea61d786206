"""The figures of a year: each of them counted once more by loops over all rows, where a year begins, what a row is.

CASEQ_TEST_YEAR=100000 makes a year of so many cases, of which the report must be there within a minute.
"""

import csv
import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from bench import year as made_up
from caseq import printing, reporting
from caseq.cli import main
from caseq.commands import configured
from caseq.rules.annual import span
from caseq.store.tables import audit
from caseq.web import reporttext
from tests.acts.recount import Recount, moment
from tests.service import case, event, milestone, party
from tests.web.visitor import add_victim

CASES = int(os.environ.get("CASEQ_TEST_YEAR", "400"))
YEAR = 2025
GROUNDS = ("state_secret", "investigation", "nobody_knows")
needs_the_font = pytest.mark.skipif(printing.state() != "ok", reason=f"sheets cannot be printed: {printing.state()}")


@pytest.fixture
def filled(service):
    """A service with a made-up year, on a day in November of it: some of what waits still has time left."""
    made_up.fill(service.runtime.database, span(YEAR), CASES, GROUNDS)
    service.clock.now = datetime(YEAR, 11, 20, 4, tzinfo=UTC)
    return service


@pytest.fixture
def run(service, monkeypatch):
    """Runs `caseq report annual …` on this service."""
    monkeypatch.setattr(configured, "runtime", lambda: service.runtime)

    def invoke(*words):
        return CliRunner().invoke(main, ["report", "annual", "--year", str(YEAR), *map(str, words)])

    return invoke


def recounted(service):
    grounds = tuple(ground.key for ground in service.runtime.settings.approval.grounds)
    return Recount(service.runtime.database, YEAR, service.clock.now, grounds).all()


def rows_of(folder, name):
    raw = (folder / "tables" / f"{name}.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return [tuple(row) for row in csv.reader(raw.decode("utf-8-sig").splitlines())][1:]


# Each figure


def test_each_figure_is_what_loops_over_all_rows_count(filled):
    found = reporting.annual(filled.runtime, YEAR).figures
    again = recounted(filled)
    assert found.keys() == again.keys() == set(reporting.NAMES)
    for name, figure in found.items():
        assert dict(figure.cells) == dict(again[name]), name
        assert figure.total() > 0, name
    statuses = {keys[-1] for keys in found["told"].cells}
    assert statuses == {"in_time", "late", "open", "overdue"}
    assert {keys[0] for keys in found["withheld"].cells} == {"state_secret", "investigation", "unknown"}
    assert {keys[-1] for keys in found["views"].cells} == {"web", "api", "phone", "unknown"}


def test_the_rows_behind_each_figure_are_as_many_and_each_is_there_once(filled):
    again = recounted(filled)
    for name in reporting.NAMES:
        rows = list(reporting.rows(filled.runtime, YEAR, name))
        assert len({(row.record, row.id) for row in rows}) == len(rows), name
        assert Counter(tuple(row.values.values()) for row in rows) == again[name], name


@needs_the_font
def test_every_table_of_the_report_says_what_the_loops_count(filled, run, tmp_path):
    out = tmp_path / "report"
    began = time.monotonic()
    done = run("--out", out)
    assert done.exit_code == 0, done.output
    assert time.monotonic() - began < 60
    again = recounted(filled)
    words = {table.name: rows_of(out, table.name) for table in tables_of(filled)}
    by_month: Counter[int] = Counter()
    for (month, *_), count in again["views"].items():
        by_month[month] += count
    assert words["views_by_month"] == [(f"{month}月", str(by_month[month])) for month in range(1, 13)]
    assert sum(int(row[-1]) for row in words["views_by_role"]) == again["views"].total()
    channels = _by(again["views"], 3)
    names = {"web": "网页", "api": "程序接口", "phone": "电话（民警代查）", "unknown": "没有记下"}
    assert {row[0]: int(row[1]) for row in words["views_by_channel"]} == {
        names[key]: count for key, count in channels.items()
    }
    ways = _by(again["logins"], 1)
    assert [int(row[1]) for row in words["logins_by_way"]] == [ways["sms"], ways["paper"], ways["app"]]
    units = dict(made_up.UNITS)
    told = {row[0]: tuple(map(int, row[1:5])) for row in words["told_by_unit"]}
    for code, name in units.items():
        mine = Counter({keys: count for keys, count in again["told"].items() if keys[0] == (code or name)})
        statuses = _by(mine, 3)
        expected = tuple(statuses[key] for key in ("in_time", "late", "open", "overdue"))
        assert told[name] == expected
        ended = sum(expected) - expected[2]
        assert {row[0]: row[5] for row in words["told_by_unit"]}[name] == f"{100 * expected[0] / ended:.1f}%"
    assert sum(int(cell) for row in words["told_by_kind"] for cell in row[2:6]) == again["told"].total()
    assert sum(int(row[-1]) for row in words["withheld"]) == again["withheld"].total()
    for row in words["messages_by_purpose"]:
        assert int(row[1]) == sum(map(int, row[2:])), "an outcome is in no column"
    assert sum(int(row[1]) for row in words["messages_by_purpose"]) == again["messages"].total()
    assert sum(int(row[1]) for row in words["messages_by_month"]) == again["messages"].total()
    assert {row[0]: int(row[1]) for row in words["tellings"]} == {
        {"in person": "当面", "telephone": "电话", "paper": "书面"}[key]: count
        for key, count in _by(again["tellings"], 1).items()
    }
    assert sum(int(cell) for row in words["tasks"] for cell in row[1:5]) == again["tasks"].total()
    totals = dict(words["overview"])
    assert int(totals["查询（次）"]) == again["views"].total()
    assert int(totals["告知：按时（项）"]) == _by(again["told"], 3)["in_time"]
    assert int(totals["短信：已送达（条）"]) == _by(again["messages"], 2)["delivered"]


def tables_of(service):
    return reporttext.tables(reporting.annual(service.runtime, YEAR), service.runtime.settings.approval.grounds)


def _by(counts, place):
    found: Counter[str] = Counter()
    for keys, count in counts.items():
        found[keys[place]] += count
    return found


def test_rows_are_printed_with_their_ids(filled, run):
    printed = run("--rows", "withheld")
    rows = list(reporting.rows(filled.runtime, YEAR, "withheld"))
    lines = printed.output.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["decisions", str(row.id)] for row in rows]
    assert run("--rows", "nothing").exit_code == 2
    assert run().exit_code == 2


# What belongs to a year, and how it is counted


def note(service, act, at, **values):
    with service.runtime.database.transaction() as connection:
        connection.execute(insert(audit), {"act": act, "at": at, **values})


def test_a_year_begins_and_ends_at_midnight_at_the_bureau(service):
    midnight = datetime(2024, 12, 31, 16, tzinfo=UTC)
    for at in (midnight - timedelta(microseconds=1), midnight, datetime(2025, 1, 31, 16, tzinfo=UTC)):
        note(service, "view", at)
    for at in (datetime(2025, 12, 31, 15, 59, 59, 999999, tzinfo=UTC), datetime(2025, 12, 31, 16, tzinfo=UTC)):
        note(service, "view", at)
    months = reporting.annual(service.runtime, 2025).figures["views"].by("month")
    assert months == {(1,): 1, (2,): 1, (12,): 1}
    assert reporting.annual(service.runtime, 2024).figures["views"].by("month") == {(12,): 1}


def test_a_look_has_the_channel_of_the_last_login_before_it(service):
    """SQLite gives the id of a session that ended to another one."""
    at = datetime(2025, 3, 1, 4, tzinfo=UTC)
    for minutes, channel in ((0, "web"), (10, "api")):
        began = at + timedelta(minutes=minutes)
        note(service, "login", began, session_id=5, facts={"way": "sms", "channel": channel})
        note(service, "view", began + timedelta(minutes=1), session_id=5)
    note(service, "phone_view", at + timedelta(minutes=12), staff_id=1)
    channels = reporting.annual(service.runtime, 2025).figures["views"].by("channel")
    assert channels == {("api",): 1, ("phone",): 1, ("web",): 1}


def test_a_login_by_a_program_is_told_from_one_by_a_page(service):
    add_victim(service)
    service.seen_by()
    year = service.clock.now.year
    figures = reporting.annual(service.runtime, year).figures
    assert figures["logins"].by("way", "channel") == {("sms", "api"): 1}
    assert figures["views"].by("role", "channel") == {("victim", "api"): 1}


def test_what_is_pushed_is_told_in_time_if_it_is_there_before_its_limit_ends(service):
    formed = service.clock.now
    service.push(event("case", case()), event("party", party()), event("milestone", milestone(key="early")))
    service.clock.advance(days=20)
    service.push(event("milestone", milestone("case_solved", key="late"), time=formed.isoformat()))
    years = (formed.year, formed.year + 1)
    told = [reporting.annual(service.runtime, year).figures["told"].by("name", "status") for year in years]
    assert told[0] | told[1] == {("case_filed", "in_time"): 1, ("case_solved", "late"): 1}


# On time now


def test_what_waits_is_overdue_due_today_or_due_soon_by_unit(service):
    service.clock.now = now = datetime(2025, 7, 16, 2, tzinfo=UTC)  # a Wednesday at ten in the morning
    made_up.fill(service.runtime.database, span(YEAR), 300, GROUNDS)
    since, until = span(YEAR).since, span(YEAR).until
    assert service.runtime.settings.approval.due_soon >= 1
    found = reporting.on_time(service.runtime, since, until)
    again = recounted(service)["told"]
    by_unit: Counter[tuple[str, str]] = Counter()
    for (unit, _, _, status), count in again.items():
        by_unit[unit, status] += count
    assert {one.unit for one in found} == {unit for unit, _ in by_unit}
    for one in found:
        stands = (one.in_time, one.late, one.open, one.overdue)
        assert stands == tuple(by_unit[one.unit, status] for status in ("in_time", "late", "open", "overdue"))
    midnight = datetime(2025, 7, 16, 16, tzinfo=UTC)
    recount = Recount(service.runtime.database, YEAR, now, ())
    dues = [row for row in recount.rows["releases"] if row["state"] in ("waiting", "returned")]
    today = [row for row in dues if now < moment(row["due_at"]) <= midnight]
    soon_days = service.runtime.settings.approval.due_soon
    soon = [row for row in dues if midnight < moment(row["due_at"]) <= midnight + timedelta(days=soon_days)]
    assert soon_days <= 2, "a weekend would come in between"
    assert sum(one.due_today for one in found) == len(today)
    assert sum(one.due_soon for one in found) == len(soon)
    (only,) = reporting.on_time(service.runtime, since, until, "640121510000")
    assert only == next(one for one in found if one.unit == "640121510000")
