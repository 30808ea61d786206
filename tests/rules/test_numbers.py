"""One normal form for every way of typing a number, and telephones that can receive an SMS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.rules.numbers import LONGEST_NUMBER, is_telephone, lookup_key, mobile
from caseq.rules.querynumbers import POSSIBLE, nth

CASE = "A6401215100002026110012"


@pytest.mark.parametrize(
    "typed",
    [
        "A6401215100002026110012",
        "a6401215100002026110012",
        " A 6401 2151 0000 2026 11 0012\n",
        "Ａ６４０１２１５１００００２０２６１１００１２",
        "A640121510000-202611-0012",
        "A640121510000—202611－0012",
        "6401215100002026110012",
        "A64O1215I00002O26110012",
        "A6401215l00002026110012",
        "\u200bA6401215100002026110012\ufeff",
        "A640121\u00ad5100002026110012",
        "\u202aA6401215100002026110012\u202c",
        "A6401215100002O2611OO12",
        "A640121510000──202611──0012",
        "A640121510000_202611_0012",
        "A640121510000.202611.0012",
        "案件编号：A6401215100002026110012",
        "案件编号6401 2151 0000 2026 1100 12",
        "案号:a6401215100002026110012",
        "No. A6401215100002026110012",
        "（A6401215100002026110012）号",
        "【A6401215100002026110012】盗窃案",
    ],
)
def test_every_way_of_typing_a_case_number_is_the_same_number(typed):
    assert lookup_key(typed) == CASE


@pytest.mark.parametrize(
    "typed",
    [
        "示公（刑）立字〔2026〕12号",
        "示公(刑)立字[2026]12号",
        "示公【刑】立字 【２０２６】 12 号",
        "示公{刑}立字{2026}12号",
        "示公（刑）立字〔2026〕第00012号",
        "示公〈刑〉立字《2026》12号",
        "示公「刑」立字『2026』12号",
        "示公﹙刑﹚立字﹝2026﹞12号",
        "示公<刑>立字＜2026＞12号",
        "示公〖刑〗立字〘2026〙第12 号",
        "示公（刑）立字[2026〕0012",
    ],
)
def test_brackets_and_widths_of_a_document_number_do_not_matter(typed):
    assert lookup_key(typed) == "示公〔刑〕立字〔2026〕12"


@pytest.mark.parametrize(
    "typed",
    [
        "A640121510000202611001",
        "A64012151000020261100122",
        "B6401215100002026110012",
        "CA6401215100002026110012",
        "2A6401215100002026110012",
    ],
)
def test_what_is_no_case_number_is_left_as_it_is(typed):
    assert lookup_key(typed) == typed


@pytest.mark.parametrize(
    "typed",
    [
        f"{CASE}之一",
        f"{CASE}（附2）",
        f"{CASE}(1)",
        f"{CASE}-1",
        f"{CASE}、A6401215100002026110013",
        f"B{CASE}",
        f"1{CASE}",
    ],
)
def test_what_only_begins_like_a_case_number_is_another_number(typed):
    assert lookup_key(typed) != CASE


QUERY = "260312004766"


@pytest.mark.parametrize(
    "typed",
    [
        "260312004766",
        "2603 1200 4766",
        "2603-1200-4766",
        " 2603\u30001200—4766\n",
        "２６０３　１２００　４７６６",
        "26O3 12oo 4766",
        "2603 I2OO 4766",
        "2603 l200 4766",
        "2603.1200.4766",
        "查询编号：2603 1200 4766",
        "编号2603 1200 4766",
        "案件编号 2603 1200 4766",
        "No.260312004766",
        "\u200b260312004766\ufeff",
    ],
)
def test_every_way_of_typing_a_query_number_is_the_same_number(typed):
    assert lookup_key(typed) == QUERY


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("2603 1200 4769", "260312004769"),  # a wrong check digit
        ("2603-1200-4769", "2603-1200-4769"),
        ("0951-80110105", "0951-80110105"),  # twelve digits of a landline
        ("013812345678", "13812345678"),
        ("8613812345678", "8613812345678"),
        ("13812345678", "13812345678"),
        ("640121-103/2017-48967", "640121-103/2017-48967"),
        ("640121990010112345", "640121990010112345"),
        ("示公260312004766", "示公260312004766"),
        ("2603120047660", "2603120047660"),
    ],
)
def test_other_digits_are_no_query_number(typed, key):
    assert lookup_key(typed) == key


_BRACKETS = ("〔〕", "[]", "()", "【】", "〖〗", "{}", "（）", "［］", "｛｝", "〈〉", "《》", "<>", "﹝﹞", "「」")
_NOTHING = st.sampled_from(["", " ", "\u3000", "\u200b", "\ufeff", "\t"])
_DASH = st.sampled_from(["", "", " ", "-", "—", "－", "–", "──", "\u2011"])
_WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


@st.composite
def decorated(draw, text, look_alikes=False):
    """The digits and letters as somebody may type them: other widths, cases and letters, with something in between."""
    typed = ""
    for character in text:
        forms = [character, character.translate(_WIDE), character.lower()]
        forms += {"0": ["O", "o"], "1": ["I", "l"]}.get(character, []) if look_alikes else []
        typed += draw(_DASH) + draw(st.sampled_from(forms))
    return draw(_NOTHING) + typed + draw(_NOTHING)


cases = st.from_regex(r"A[0-9]{12}20[0-9]{2}(0[1-9]|1[0-2])[0-9]{4}", fullmatch=True)
queries = st.integers(0, POSSIBLE - 1).map(nth)


@given(st.data(), cases | queries)
def test_no_decoration_makes_another_number_of_a_case_or_query_number(data, number):
    assert lookup_key(data.draw(decorated(number, look_alikes=True))) == number
    assert lookup_key(number.removeprefix("A")) == number


@given(st.one_of(cases, queries), st.one_of(cases, queries))
def test_no_two_case_or_query_numbers_are_one(one, other):
    assert (lookup_key(one) == lookup_key(other)) is (one == other)


@st.composite
def documents(draw):
    """The parts of the number of a document: organ, unit, kind, year, serial."""
    organ = draw(st.sampled_from(["示公", "永公", "示公交", "梅公"]))
    unit = draw(st.sampled_from(["刑", "城", "办", "畲", "A"]))
    kind = draw(st.sampled_from(["立", "行罚决", "拘通", "信访", "不罚决"]))
    return organ, unit, kind, draw(st.integers(1990, 2030)), draw(st.integers(1, 99999))


def written(draw, parts):
    """The number as one of many hands writes it."""
    organ, unit, kind, year, serial = parts
    first, second = draw(st.sampled_from(_BRACKETS)), draw(st.sampled_from(_BRACKETS))
    of, zeros = draw(st.sampled_from(["", "第"])), draw(st.integers(0, 5))
    figures = f"{second[0]}{year}{second[1]}{of}{serial:0{zeros}d}"
    figures = figures.translate(_WIDE) if draw(st.booleans()) else figures
    pieces = (organ, first[0], unit, first[1], kind, "字", *figures, draw(st.sampled_from(["", "号"])))
    return "".join(piece + draw(_NOTHING) for piece in pieces)


@given(st.data(), documents(), documents())
def test_a_document_number_is_one_however_it_is_written_and_two_are_two(data, one, other):
    key = lookup_key(written(data.draw, one))
    assert key == lookup_key(written(data.draw, one))
    assert (key == lookup_key(written(data.draw, other))) is (one == other)


@given(documents(), queries, cases)
def test_numbers_of_different_kinds_never_are_one(document, query, number):
    organ, unit, kind, year, serial = document
    assert len({lookup_key(f"{organ}〔{unit}〕{kind}字〔{year}〕{serial}号"), query, number}) == 3


def test_look_alike_letters_are_digits_in_case_numbers_only():
    assert lookup_key("OIL-Q1") == "OIL-Q1"


@pytest.mark.parametrize("typed", ["", " ", "\u3000\t", "\u200b\u2060", "\x00\x1f"])
def test_nothing_to_see_is_nothing(typed):
    assert lookup_key(typed) == ""


@given(st.text(max_size=150))
def test_what_stands_around_a_number_does_not_matter_and_a_key_is_never_too_long(typed):
    key = lookup_key(typed)
    assert len(key) <= LONGEST_NUMBER
    assert lookup_key(f" \u3000{typed}\u200b\n") == key


@pytest.mark.parametrize(
    "typed",
    [
        "19912345678",
        "+8619912345678",
        "86 199-1234-5678",
        "0086 19912345678",
        "１９９１２３４５６７８",
        "(199) 1234 5678",
        "（+86）199 1234 5678",
        "＋８６　１９９　１２３４　５６７８",
        "86-19912345678",
        "019912345678",
        "199.1234.5678",
        "199_1234_5678",
        "199·1234·5678",
        "199—1234——5678",
        "199ー1234ー5678",
        "199 12345 678",
        "l99 I234 5678",
        "\u202a199\u200b1234 5678\u202c",
        "tel:+8619912345678",
        "电话号码：199 1234 5678",
    ],
)
def test_every_way_of_typing_a_mobile_number_is_the_same_number(typed):
    assert mobile(typed) == "+8619912345678"


@pytest.mark.parametrize(
    "typed",
    [
        None,
        "",
        "nobody",
        "1991234567",
        "199123456789",
        "0951-8011010",
        "110",
        "12110000000",
        "1" * 300,
        "+8600000000000",
    ],
)
def test_what_cannot_receive_an_sms_is_no_mobile_number(typed):
    assert mobile(typed) is None


def test_a_foreign_mobile_number_is_one():
    """Whether it may be sent to is decided by the list of countries, not here."""
    assert mobile("+447400123456") == "+447400123456"


@pytest.mark.parametrize(
    "typed",
    [
        "13812345678/13912345678",
        "13812345678、19912345678",
        "13812345678,13912345678",
        "１３８１２３４５６７８；13912345678",
        "13812345678或13912345678",
        "13812345678 or 13912345678",
        "13812345678 13912345678",
        "138 1234 5678\n139 1234 5678",
        "+86 138-1234-5678 / +86 139-1234-5678",
        "0951-8011001、13812345678",
        "0951-8011001 13812345678",
        "手机13812345678",
        "联系电话：13812345678（手机）",
        "本人手机13812345678 座机0951-8011001",
        "电话0951-8011001 手机 13812345678",
        "13812345678/79",
    ],
)
def test_of_two_numbers_in_one_field_the_first_that_can_receive_an_sms_counts(typed):
    assert mobile(typed) == "+8613812345678"


@pytest.mark.parametrize(
    "typed",
    [
        "母亲13812345678",
        "13812345678(母)",
        "13812345678/母亲13912345678",
        "本人13812345678，母亲13912345678",
        "母亲电话13812345678",
        "张三13812345678",
        "mum 13812345678",
        "13812345678 转 12",
        "无/13812345678",
        f"13812345678{' ' * 100}/ 母亲13912345678",
    ],
)
def test_a_number_that_a_word_may_give_to_somebody_else_is_not_guessed(typed):
    assert mobile(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "138手机12345678",
        "138、12345678",
        "138 或 12345678",
        "1381234567813912345678",
        "13812345678(13912345678)",
        "8011001 13812345678",
        "0951-8011001/0951-8011002",
        "手机",
        "/",
    ],
)
def test_no_number_is_put_together_from_pieces_or_cut_out_of_a_longer_one(typed):
    assert mobile(typed) is None


_TWO = st.sampled_from(["13812345678", "+86 139 1234 5678", "0951-8011001", "110", "", "1381234"])


@given(st.lists(_TWO, max_size=4), st.sampled_from(["/", "、", " ， ", "；", "或", " or "]))
def test_whatever_stands_in_one_field_only_a_whole_number_of_it_is_found(numbers, between):
    found = mobile(between.join(numbers))
    assert found == next(filter(None, map(mobile, numbers)), None)


@pytest.mark.parametrize(
    ("typed", "is_one"),
    [
        ("0951-8011010", True),
        ("(0951) 8011010", True),
        ("０９５１－８０１１０１０", True),
        ("+86 951 8011010", True),
        ("400-123-4567", True),
        ("13812345678", True),
        ("2026-0012", False),
        ("示公（刑）立字〔2026〕12号", False),
        ("640121-103/2017-48967", False),
        ("", False),
    ],
)
def test_a_telephone_number_is_told_from_another(typed, is_one):
    assert is_telephone(typed) is is_one


@given(st.text(max_size=60))
def test_no_text_breaks_it(typed):
    found = mobile(typed)
    assert found is None or found.startswith("+")


@pytest.mark.parametrize("prefix", range(130, 200))
def test_a_plain_number_is_what_it_is_with_its_country_before_it(prefix):
    for rest in ("00000000", "12345678", "54321098", "99999999"):
        assert mobile(f"{prefix}{rest}") == mobile(f"+86 {prefix}{rest}")
        assert mobile(f"{prefix}{rest[:-1]}８") == mobile(f"{prefix}{rest[:-1]}8")
