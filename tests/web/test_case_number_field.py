"""What is said about a number that is none of a case, by its form only; and that nobody is kept out by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.rules.querynumbers import POSSIBLE, nth, printed
from caseq.web.fields import DOUBTS, as_printed, case_number_fault
from caseq.web.language import words
from tests.service import CASE, Service
from tests.web.visitor import Visitor

MISTYPED = "有一位可能抄错了"
LOOKS_LIKE = [
    ("13912345678", "手机号"),
    ("139 1234 5678", "手机号"),
    ("+86 139-1234-5678", "手机号"),
    ("１３９１２３４５６７８", "手机号"),
    ("013912345678", "手机号"),
    ("手机13912345678", "手机号"),
    ("0951-8011010", "电话号码"),
    ("(0951) 8011010", "电话号码"),
    ("+86 951 8011010", "电话号码"),
    ("400 123 4567", "电话号码"),
    ("640121199001011234", "身份证号"),
    ("64012119900101123x", "身份证号"),
    ("640121 19900101 1234", "身份证号"),
    ("身份证号：640121199001011234", "身份证号"),
    ("640121900101123", "身份证号"),
    ("J2026112300012", "接警编号"),
    ("j-2026-1123-00012", "接警编号"),
    ("Ｊ２０２６１１２３０００１２", "接警编号"),
    ("20261123120000123", "接警编号"),
    ("640121510000202611230001", "接警编号"),
    ("接警编号 20261123", "接警编号"),
    ("报警回执 123456", "接警编号"),
    ("XF202611230001", "信访编号"),
    ("信访件编号：202611230001", "信访编号"),
    ("2603 1200 4769", MISTYPED),
    ("2603-1200-4769", MISTYPED),
    ("２６０３１２００４７６９", MISTYPED),
    ("26O3 12OO 4769", MISTYPED),
    ("2630 1200 4766", MISTYPED),
    ("8610 6234 5679", MISTYPED),  # with the country before it also a landline in Beijing
    ("查询编号 2603 1200 4769", MISTYPED),
    ("2603 1200 476", "查询编号是 12 位"),
    ("2603 1200 4766 1", "查询编号是 12 位"),
    (CASE[:-1], "22 位"),
    (CASE + "1", "22 位"),
    (CASE[1:-2], "22 位"),
    (f"{CASE}和{CASE[:-1]}3", "只填编号"),
    (f"{CASE}之一", "只填编号"),
]


@pytest.mark.parametrize(("typed", "said"), LOOKS_LIKE)
def test_a_number_of_another_kind_is_told_by_its_form_and_taken_when_it_is_sent_again(typed, said):
    fault = case_number_fault(typed)
    assert fault in DOUBTS
    assert said in str(fault)
    assert case_number_fault(typed, doubted=typed) is None
    assert case_number_fault(typed, doubted="A1") == fault


@pytest.mark.parametrize(
    "typed",
    [
        CASE,
        CASE.lower(),
        CASE[1:],
        f"编号：{CASE}",
        "2603 1200 4766",
        "查询编号：2603-1200-4766",
        "26o3 l200 4766",
        "示公（刑）立字〔2026〕12号",
        "永公(办)发【2017】28号",
        "梅公(畲)行罚决字[2017]00042号",
        "示公信访字〔2026〕3号",
        "信访字〔2026〕202611号",
        "示公接警字〔2026〕12号",
        "警情〔2026〕12号",
        "640121-103/2017-48967",
        "永公行复〔2026〕第0007号",
        "赔决2026-12",
        "2026-0012",
        "20260012",
        "1234567890",
        "XK-17/2026",
        "B123456789",
        "J1234",
        "12",
    ],
)
def test_the_number_of_a_case_or_document_of_any_bureau_is_taken_at_once(typed):
    assert case_number_fault(typed) is None


@pytest.mark.parametrize("typed", ["", " \u3000\u200b", "张三的案子", "x" * 101 + "1"])
def test_only_what_can_be_no_number_at_all_is_refused_for_good(typed):
    assert case_number_fault(typed, doubted=typed) not in {*DOUBTS, None}


@given(st.text(max_size=60))
def test_whatever_holds_a_digit_is_taken_the_second_time(typed):
    fault = case_number_fault(typed)
    if fault in DOUBTS:
        assert case_number_fault(typed, doubted=typed) is None


@given(st.integers(0, POSSIBLE - 1).map(nth))
def test_a_right_query_number_is_never_taken_for_a_telephone_or_anything_else(number):
    assert case_number_fault(number) is None
    assert case_number_fault(printed(number)) is None


@given(st.integers(0, POSSIBLE - 1).map(nth), st.integers(0, 11), st.sampled_from("0123456789"))
def test_every_wrong_digit_of_a_query_number_is_told(number, place, digit):
    mistyped = number[:place] + digit + number[place + 1 :]
    fault = case_number_fault(printed(mistyped))
    assert (fault is None) if mistyped == number else (fault in DOUBTS)
    assert mistyped[0] == "0" or mistyped == number or MISTYPED in str(fault)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("260312004766", "2603 1200 4766"),
        ("２６０３-1200-4766", "2603 1200 4766"),
        (f" {CASE} ", CASE),
        ("260312004769",) * 2,
    ],
)
def test_a_query_number_is_shown_as_it_stands_on_paper(typed, shown):
    assert as_printed(typed) == shown


def test_every_doubt_is_said_in_plain_words_of_both_languages():
    for fault in DOUBTS:
        english = words("en").say(fault)
        assert english != fault
        assert english.isascii()
        assert not any(bad in fault for bad in ("错误", "非法", "无效", "失败", "用户", "！"))
        assert all(len(sentence) <= 25 for sentence in fault.split("。"))


@pytest.fixture
def engine() -> str:
    """The pages are the same on every engine."""
    return "sqlite"


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "如果纸上就是这样写的"), ("en", "If this is what the paper says")]
)
def test_a_doubted_number_goes_on_when_it_is_sent_once_more_unchanged(service: Service, language: str, said: str):
    visitor = Visitor(service, language)
    first = visitor.send("/", case_number="2603 1200 4769")
    html = first.get_data(as_text=True)
    assert first.status_code == 422
    assert said in html
    assert '<input type="hidden" name="doubted" value="2603 1200 4769">' in html
    assert 'aria-describedby="case_number-hint case_number-fault case_number-sure"' in html
    corrected = visitor.send("/", case_number="2603 1200 4760", doubted="2603 1200 4769")
    assert corrected.status_code == 422
    again = visitor.send("/", case_number="2603 1200 4769", doubted="2603 1200 4769")
    assert again.headers["Location"] == "/method"
    assert "2603 1200 4769" in visitor.get("/method")


def test_what_is_refused_for_good_offers_no_second_time(service: Service):
    answer = Visitor(service).send("/", case_number="张三", doubted="张三")
    assert answer.status_code == 422
    assert "doubted" not in answer.get_data(as_text=True)


def test_a_query_number_stands_in_groups_on_the_next_page(service: Service):
    visitor = Visitor(service)
    visitor.send("/", case_number="２６０３１２００-４７６６")
    assert '<b class="number">2603 1200 4766</b>' in visitor.get("/method")
    assert 'value="2603 1200 4766"' in visitor.get("/")
