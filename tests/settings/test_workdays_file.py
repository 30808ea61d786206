"""config/workdays.toml: faults with file, line and key; what the corrections and limits in it become."""

import shutil
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from caseq import runtime as runtimes
from caseq import watching
from caseq.cli import main
from caseq.rules.case import Kind, MilestoneName, Role
from caseq.rules.timelimits import limit_for
from caseq.rules.workdays import Calendar, Correction, Limit, LimitUnit
from caseq.settings import load
from tests.service import ROOT, environment
from tests.settings.test_settings import change, faults, line_of
from tests.workcalendar import known_up_to


@pytest.fixture
def path(tmp_path):
    """workdays.toml in a copy of the shipped config/, to be changed."""
    return shutil.copytree(ROOT / "config", tmp_path / "config") / "workdays.toml"


@pytest.fixture
def environ(path, tmp_path):
    return environment(f"sqlite:///{tmp_path / 'unused.db'}", tmp_path, CASEQ_CONFIG_DIR=str(path.parent))


def test_as_shipped_nothing_is_corrected(environ):
    assert load(environ).workdays == Calendar()


def test_the_general_limit_is_five_working_days(environ):
    assert load(environ).time_limits.general == Limit(5, LimitUnit.WORKING_DAYS, "《公安机关执法公开规定》")


def test_the_commented_example_of_a_day_is_right(path, environ):
    example = "# [[day]]\n" + path.read_text(encoding="utf-8").split("# [[day]]\n", 1)[1].split("\n\n", 1)[0]
    change(path, example, "\n".join(line.removeprefix("# ") for line in example.splitlines()))
    assert load(environ).workdays.corrections == {date(2026, 3, 20): Correction(False, "宁政办发〔2026〕00号")}


def test_the_example_that_waits_is_refused_until_such_cases_have_the_milestone(path, environ):
    before, _, example = path.read_text(encoding="utf-8").rpartition("# [[shorter]]\n")
    path.write_text(f"{before}[[shorter]]\n" + example.replace("# ", ""), encoding="utf-8")
    assert [fault.key.split(".", 2)[2] for fault in faults(environ)] == ["milestones.0"]


def test_days_and_years_become_the_calendar(path, environ):
    change(path, "complete_years = []", "complete_years = [2027]")
    change(path, "[limit]", '[[day]]\non = 2027-01-01\nworks = false\nreason = "元旦"\n\n[limit]')
    assert load(environ).workdays == Calendar({date(2027, 1, 1): Correction(False, "元旦")}, frozenset({2027}))


def test_a_limit_can_be_made_shorter(path, environ):
    change(path, "hours = 24", "hours = 12")
    limits = load(environ).time_limits
    details = {"measure": "criminal_detention", "action": "imposed"}
    limit = limit_for(limits, Kind.CRIMINAL, MilestoneName.COMPULSORY_MEASURE, Role.SUSPECT_FAMILY, details)
    assert (limit.amount, limit.unit) == (12, LimitUnit.HOURS)


DAY = '[[day]]\non = 2026-03-20\nworks = false\nreason = "x"\n\n'
#: name: (what is replaced, by what, the line that is complained about holds, its key)
BROKEN = {
    "an unknown key": ("[limit]", "[limit]\nanswer = 1", "answer = 1", "limit.answer"),
    "an unknown table": ("[limit]", "[weekend]\nx = 1\n\n[limit]", "[weekend]", "weekend"),
    "a day in quotes": ("[limit]", DAY.replace("2026-03-20", '"2026-03-20"') + "[limit]", "on = ", "day.0.on"),
    "a day with an hour": ("[limit]", DAY.replace("-20", "-20T08:00:00") + "[limit]", "on = ", "day.0.on"),
    "a day without a date": ("[limit]", DAY.replace("on = 2026-03-20\n", "") + "[limit]", "[[day]]", "day.0.on"),
    "half a working day": ("[limit]", DAY.replace("false", "0.5") + "[limit]", "works = 0.5", "day.0.works"),
    "a day without a notice": ("[limit]", DAY.replace('"x"', '" "') + "[limit]", 'reason = " "', "day.0.reason"),
    "an unknown key in a day": ("[limit]", DAY.replace("works", "by = 1\nworks") + "[limit]", "by = 1", "day.0.by"),
    "a year without its days": ("_years = []", "_years = [2027]", "complete_years = [", "complete_years.0"),
    "a year that is a text": ("_years = []", '_years = ["2027"]', "complete_years = [", "complete_years.0"),
    "no general limit": ("tell = { working_days = 5,", "# {", "[limit]", "limit.tell"),
    "a general limit without a clause": (', clause = "《公安机关执法公开规定》"', "", "tell =", "limit.tell.clause"),
    "a general limit of two kinds": ("tell = {", "tell = { hours = 24,", "tell =", "limit.tell"),
    "a general limit of none": ("working_days = 5, ", "", "tell =", "limit.tell"),
    "a limit of no days": ("calendar_days = 3", "calendar_days = 0", "calendar_days = 0", "shorter.0.calendar_days"),
    "a limit of a day and a half": ("_days = 3", "_days = 1.5", "calendar_days = 1.5", "shorter.0.calendar_days"),
    "a limit that is a text": ("_days = 3", '_days = "3"', 'calendar_days = "3"', "shorter.0.calendar_days"),
    "a limit in weeks": ("calendar_days = 3", "weeks = 1", "weeks = 1", "shorter.0.weeks"),
    "a shorter limit of two kinds": ("calendar_days = 3", "calendar_days = 3\nhours = 9", "[[shorter]]", "shorter.0"),
    "an unknown kind": ('kind = "criminal"', 'kind = "civil"', "civil", "shorter.0.kind"),
    "an unknown milestone": ('"case_not_filed"', '"verdict"', "verdict", "shorter.0.milestones.0"),
    "an unknown role": ('"complainant"', '"witness"', "witness", "shorter.0.roles.0"),
    "a milestone of another kind": ('"case_not_filed"', '"hearing"', '["hearing"]', "shorter.0.milestones.0"),
    "a role of another kind": ('"complainant"', '"petitioner"', "petitioner", "shorter.0.roles.0"),
    "no milestone": ('["case_not_filed"]', "[]", "milestones = []", "shorter.0.milestones"),
    "nobody": ('["complainant"]', "[]", "roles = []", "shorter.0.roles"),
    "an unknown measure": ('["arrest"]', '["arest"]', "arest", "shorter.4.measures.0"),
    "an unknown action": ('"imposed"', '"ended"', "ended", "shorter.3.actions.0"),
    "measures of what is none": ('roles = ["complainant"]', 'roles = ["complainant"]\nmeasures = ["arrest"]',
                                 'measures = ["arrest"]', "shorter.0.measures"),
    "a shorter limit without a clause": ('"《公安机关办理刑事案件程序规定》第178条"', '""', 'clause = ""',
                                         "shorter.0.clause"),
    "a shorter limit that is longer": ("calendar_days = 3", "calendar_days = 6", "[[shorter]]", "shorter.0"),
}  # fmt: skip


def written_on(path, text):
    """The number of the first line with this text that is no comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, start=1) if text in line and not line.startswith("#"))


@pytest.mark.parametrize(("old", "new", "at", "key"), BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_file_is_refused_with_line_and_key(path, environ, old, new, at, key):
    change(path, old, new)
    found = {fault.key: fault for fault in faults(environ)}
    assert list(found) == [key]
    assert (found[key].file, found[key].line) == (str(path), written_on(path, at))


def test_a_day_twice_is_refused_and_both_lines_are_named(path, environ):
    change(path, "[limit]", f"{DAY}{DAY.replace('false', 'true')}[limit]")
    (fault,) = faults(environ)
    first = written_on(path, "on = 2026-03-20")
    assert (fault.key, fault.line) == ("day.1.on", first + 5)
    assert f"line {first}" in fault.reason


def test_two_limits_of_which_either_may_end_first_are_refused(path, environ):
    two = '[[shorter]]\nkind = "criminal"\nmilestones = ["case_withdrawn", "case_filed"]\nroles = ["victim"]\n'
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}\n{two}working_days = 2\nclause = "第1条"\n', encoding="utf-8")
    (fault,) = faults(environ)
    assert (fault.key, fault.line) == ("shorter.8", len(text.splitlines()) + 2)
    assert f"line {line_of(path, 'case_withdrawn') - 2} " in fault.reason


def test_all_faults_are_told_at_once(path, environ):
    change(path, "complete_years = []", "complete_years = [2027]")
    change(path, '"complainant"', '"petitioner"')
    change(path, "[limit]", f"{DAY}{DAY}[limit]")
    assert {fault.key for fault in faults(environ)} == {"complete_years.0", "shorter.0.roles.0", "day.1.on"}


def test_without_the_file_there_is_no_start(path, environ):
    path.unlink()
    (fault,) = faults(environ)
    assert (fault.file, fault.key) == (str(path), "file")


# What is said of a calendar that ends


@pytest.fixture
def runtime_on(environ):
    """Builds the parts of the service with a clock that stands at a moment of this day."""

    def build(year, month, day):
        return runtimes.build(load(environ), lambda: datetime(year, month, day, 4, tzinfo=UTC))

    with known_up_to(2026):
        yield build


def test_the_check_names_the_year_up_to_which_holidays_are_known(environ):
    with known_up_to(2026):
        answer = CliRunner().invoke(main, ["check"], env=environ)
    assert "public holidays: known up to 2026" in answer.stdout
    assert "holidays" not in answer.stderr


def test_the_state_warns_when_ten_working_days_lead_to_where_nothing_is_known(runtime_on):
    assert watching.holidays_state(runtime_on(2026, 12, 10)) == "known up to 2026"
    said = "known up to 2026, not far enough: from 2026-12-25 they are assumed (docs/operators.md, Working days)"
    assert watching.holidays_state(runtime_on(2026, 12, 11)) == said


def test_the_log_warns_once_of_unknown_days_and_is_silent_of_known_ones(runtime_on):
    with capture_logs() as lines:
        watching.warn_of_unknown_days(runtime_on(2026, 12, 10))
    assert lines == []
    with capture_logs() as lines:
        watching.warn_of_unknown_days(runtime_on(2027, 1, 4))
    (line,) = lines
    assert line == {
        "event": "holidays_unknown",
        "log_level": "warning",
        "unknown_from": "2027-01-05",
        "known_up_to": 2026,
    }


def test_today_is_that_of_the_bureau(environ):
    evening = datetime(2026, 12, 10, 16, tzinfo=UTC)
    with known_up_to(2026):
        assert "not far enough" in watching.holidays_state(runtimes.build(load(environ), lambda: evening))


def test_a_year_that_is_written_out_ends_the_warning(path, environ, runtime_on):
    change(path, "complete_years = []", "complete_years = [2027]")
    change(path, "[limit]", DAY.replace("2026-03-20", "2027-01-01") + "[limit]")
    assert watching.holidays_state(runtime_on(2026, 12, 28)) == "known up to 2027"
