"""Dates as clerks and programs write them; whatever is not certainly a moment is none."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.moments import LOCAL_TIME, changed_stamp, moment, stamp, stamp_moment


def _day(text: str) -> date | None:
    found = moment(text)
    return found.date() if found else None


@pytest.mark.parametrize(
    "text",
    [
        "20170329",
        "2017-03-29",
        "2017-3-29",
        "2017/3/29",
        "2017.03.29",
        "2017年3月29日",
        "2017年03月29日",
        "2017年3月29",
        " 2017-03-29\n",
        "２０１７－０３－２９",
        "２０１７年３月２９日",
        "42823",
        "42823.0",
    ],
)
def test_every_way_of_writing_a_date_is_its_first_second(text: str) -> None:
    assert moment(text) == datetime(2017, 3, 29, tzinfo=LOCAL_TIME)


@pytest.mark.parametrize(
    "text",
    [
        "20170329140509",
        "20170329140509.123",
        "2017-03-29 14:05:09",
        "2017-03-29T14:05:09",
        "2017-03-29T14:05:09.999999",
        "2017-03-29 14:05:09,5",
        "2017/3/29 14:5:9",
        "2017年3月29日14时5分9秒",
        "2017年3月29日 14时05分09秒",
        "2017年3月29日14点5分9秒",
        "2017-03-29T06:05:09Z",
        "2017-03-29 14:05:09+08:00",
        "2017-03-29T14:05:09+0800",
        "2017-03-29T01:05:09-05:00",
        "２０１７－０３－２９　１４：０５：０９",
    ],
)
def test_every_way_of_writing_a_time_is_the_same_moment(text: str) -> None:
    assert stamp(text) == "20170329140509"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("201703291405", "20170329140500"),
        ("2017-03-29 14:05", "20170329140500"),
        ("2017年3月29日14时", "20170329140000"),
        ("2017年3月29日14时5分", "20170329140500"),
        ("42823.5", "20170329120000"),
        ("42823.586805556", "20170329140500"),
    ],
)
def test_what_is_left_out_of_a_time_is_zero(text: str, wanted: str) -> None:
    assert stamp(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "无",
        "不详",
        "20170230",
        "2017-02-29",
        "2017-13-01",
        "2017-00-10",
        "0000-00-00",
        "0001-01-01",
        "0001-01-01 00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:00:00Z",
        "00000000000000",
        "2017-03-29 24:00:01",
        "2017-03-29 14:60",
        "20170329250000",
        "2017-03",
        "2017年3月",
        "2017",
        "170329",
        "29/03/2017",
        "3/29/2017",
        "2017-03-29至2017-04-01",
        "2017-03-29 14:05:09+99:00",
        "9999",
        "09999",
        "80000",
        "428230",
        "-42823",
        "4.2e4",
        "二〇一七年三月二十九日",
        "20170329 ?",
        "9" * 400,
    ],
)
def test_what_is_not_certainly_a_moment_is_none(text: str | None) -> None:
    assert moment(text) is None
    assert stamp(text) == ""


def test_what_programs_write_for_never_is_a_day_and_no_stamp() -> None:
    assert _day("9999-12-31") == date(9999, 12, 31)
    assert stamp("2199-12-31") == "21991231000000"
    assert stamp("9999-12-31") == stamp("2200-01-01") == ""
    assert changed_stamp("9999999999999", "epoch_ms") == ""


def test_a_leap_day_exists_only_in_a_leap_year() -> None:
    assert _day("2016年2月29日") == date(2016, 2, 29)
    assert _day("2015年2月29日") is None


def test_a_text_without_an_offset_is_in_the_zone_of_the_source_and_one_with_it_is_not() -> None:
    assert stamp("2017-03-29 20:00:00", UTC) == "20170330040000"
    assert stamp("2017-03-29 20:00:00+08:00", UTC) == "20170329200000"


@given(st.datetimes(datetime(1900, 1, 1), datetime(2119, 1, 1)))
def test_a_moment_is_read_back_from_every_common_form(when: datetime) -> None:
    known = when.replace(microsecond=0, tzinfo=LOCAL_TIME)
    for form in ("%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%dT%H:%M:%S", "%Y年%m月%d日%H时%M分%S秒"):
        assert moment(known.strftime(form)) == known
    assert moment(known.isoformat()) == known
    assert stamp_moment(stamp(known.isoformat())) == known


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_the_offset_in_the_text_counts(when: datetime, minutes: int) -> None:
    known = when.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(known.isoformat()) == known


@given(st.dates(date(1927, 6, 1), date(2118, 1, 1)))
def test_a_serial_number_of_a_spreadsheet_is_its_day(day: date) -> None:
    assert _day(str((day - date(1899, 12, 30)).days)) == day


@given(st.text(max_size=40) | st.text("0123456789-/:.年月日 TZ+", max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    found = moment(text)
    assert found is None or stamp_moment(stamp(text)).year >= 1000


@pytest.mark.parametrize(
    ("text", "form", "wanted"),
    [
        ("1490767509", "epoch", "20170329140509"),
        (" 1490767509 ", "epoch", "20170329140509"),
        ("1490767509999", "epoch_ms", "20170329140509"),
        ("20170329140509", "stamp", "20170329140509"),
        ("2017-03-29 14:05:09", "iso", "20170329140509"),
        ("2017-03-29T14:05:09", "iso_t", "20170329140509"),
        ("", "epoch", ""),
        (None, "epoch", ""),
        ("soon", "epoch", ""),
        ("soon", "iso", ""),
    ],
)
def test_a_change_column_is_read_in_the_form_the_mapping_names(text: str | None, form: str, wanted: str) -> None:
    assert changed_stamp(text, form) == wanted


def test_seconds_since_1970_are_the_same_in_every_zone() -> None:
    assert changed_stamp("1490767509", "epoch", UTC) == changed_stamp("1490767509", "epoch", LOCAL_TIME)


@pytest.mark.parametrize("text", ["9" * 20, "9" * 5000, "99999999999999999", "253402300800"])
def test_a_count_of_seconds_beyond_all_years_is_no_change_time(text: str) -> None:
    assert changed_stamp(text, "epoch") == ""
