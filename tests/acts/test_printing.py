"""The sheet of paper codes: one page that can be read by eye, by a reader of text and by a camera, and that says no
more than it should. Rendering needs the font that .ci/run installs."""

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import zxingcpp
from click.testing import CliRunner

from caseq import printing
from caseq.cli import main
from caseq.errors import CannotPrint
from caseq.printing import CodeSheet, code_sheet
from caseq.rules.papercodes import Line, make, typed_form
from caseq.settings import load
from tests.service import ROOT, environment

needs_the_font = pytest.mark.skipif(printing.state() != "ok", reason=f"sheets cannot be printed: {printing.state()}")

NUMBER = "260312004769"
ADDRESS = "https://case.example.gov.cn"
NOTICES = ROOT / "templates" / "notices"
WORDS = tomllib.loads((NOTICES / "codes.toml").read_text(encoding="utf-8"))
TEAR = {"zh": "沿这条线", "en": "Tear off"}
BUREAU = load({"CASEQ_SECRET_KEY": "x" * 40}).bureau


def chance():
    """A source of bytes that is the same in every run."""
    drawn = iter(range(1, 1000))
    return lambda size: (next(drawn) * 0x9E3779B97F4A7C15 % 2**39).to_bytes(size)


SHEET = CodeSheet(
    bureau=BUREAU,
    public_address=ADDRESS,
    query_number=NUMBER,
    issued_on=date(2026, 11, 28),
    valid_until=date(2027, 11, 27),
    sheet="B",
    lines=[Line(line.n, typed_form(bytes([line.n] * 9)), line.keypad) for line in make(chance())],
)
SHEETS = {
    "zh": SHEET,
    "en": replace(SHEET, language="en"),
    "zh without number": replace(SHEET, query_number=None),
    "zh without address": replace(SHEET, public_address=None),
    "zh without either": replace(SHEET, query_number=None, public_address=None),
    "en without either": replace(SHEET, query_number=None, public_address=None, language="en"),
}
every_sheet = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)


def bureau(**changes):
    return replace(BUREAU, **changes)


class Printed:
    """A sheet after it was printed: its page, its text, its picture."""

    def __init__(self, sheet):
        self.pdf = code_sheet(sheet)
        self.document = pypdfium2.PdfDocument(self.pdf)
        self.page = self.document[0]
        self.layer = self.page.get_textpage()
        self.text = self.layer.get_text_range()
        self.tear = self._top_of(TEAR[sheet.language])

    def _top_of(self, words):
        index, _ = self.layer.search(words).get_next()
        return self.layer.get_charbox(index, loose=True)[3]

    @property
    def above(self):
        return self.layer.get_text_bounded(bottom=self.tear)

    @property
    def strip(self):
        return self.layer.get_text_bounded(top=self.tear)

    def picture(self, dpi):
        """The page in grey, as rows of bytes."""
        bitmap = self.page.render(scale=dpi / 72, grayscale=True)
        rows = memoryview(bytes(bitmap.buffer))
        return [rows[n * bitmap.stride : n * bitmap.stride + bitmap.width] for n in range(bitmap.height)]


def scanned(printed, dpi=150):
    """What a camera finds on the page."""
    rows = printed.picture(dpi)
    picture = memoryview(b"".join(rows)).cast("B", shape=[len(rows), len(rows[0])])
    return [found.text for found in zxingcpp.read_barcodes(picture)]


def solid(text):
    """Text without white space and without the places where a line may break."""
    return re.sub(r"[\s\u200b]", "", text)


# What stands on it


@needs_the_font
@every_sheet
def test_it_is_one_page_of_a4(sheet):
    printed = Printed(sheet)
    assert len(printed.document) == 1
    assert [round(side / 72 * 25.4) for side in printed.page.get_size()] == [210, 297]


@needs_the_font
@every_sheet
def test_every_line_has_its_number_and_both_codes_on_the_strip_and_none_is_above_it(sheet):
    printed = Printed(sheet)
    for line in sheet.lines:
        assert f"{line.n} {line.typed} {line.keypad}" in printed.strip
        assert line.typed not in printed.above
        assert line.keypad not in printed.above


@needs_the_font
@every_sheet
def test_the_strip_does_not_tell_whose_it_is(sheet):
    strip = solid(Printed(sheet).strip)
    assert NUMBER not in strip
    assert solid(BUREAU.name[sheet.language]) not in strip
    assert "example" not in strip


@needs_the_font
def test_every_number_of_the_strip_is_a_code_a_line_a_telephone_or_the_last_day():
    """So none can be the number of a case, whatever it looks like."""
    strip = Printed(SHEET).strip
    for line in SHEET.lines:
        strip = strip.replace(f"{line.n} {line.typed} {line.keypad}", "", 1)
    for known in (BUREAU.help_phone, BUREAU.fraud_phone, "2027 年 11 月 27 日"):
        assert known in strip
        strip = strip.replace(known, "", 1)
    assert re.findall(r"\d", strip) == []


@needs_the_font
def test_the_query_number_stands_above_the_tear_line_in_groups_of_four():
    assert "2603 1200 4769" in Printed(SHEET).above
    assert "4769" not in Printed(replace(SHEET, query_number=None)).text


@needs_the_font
def test_a_chinese_sheet_says_what_people_must_know():
    printed = Printed(SHEET)
    strip = solid(printed.strip)
    for told in (
        "每行只能用一次；用过请划掉",
        "补打后旧的作废",
        "民警不会向您要验证码",
        "有效到2027年11月27日",
        "第B张",
    ):
        assert told in strip
    assert solid(f"{BUREAU.help_phone} {BUREAU.help_hours['zh']}") in solid(printed.above)
    assert {"1", "2", "3"} <= set(re.findall(r"^\d", printed.above, re.MULTILINE))


@needs_the_font
def test_an_english_sheet_is_in_english_and_names_itself_in_chinese_too():
    printed = Printed(SHEETS["en"])
    assert "Valid until 27 November 2027. A new sheet cancels this one." in printed.strip
    assert "Police never ask you for a code" in printed.strip
    chinese = set(re.findall(r"[\u4e00-\u9fff]", printed.text))
    assert chinese == set("纸质查询码")


@needs_the_font
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_sentence_of_its_words_is_printed_on_one_of_the_sheets(language):
    """With no font for them typst leaves characters out of the text; then this is red."""
    texts = solid("".join(Printed(sheet).text for sheet in SHEETS.values() if sheet.language == language))
    if language == "en":
        texts += solid(Printed(replace(SHEETS["en"], query_number=None)).text)
    never_seen = {"date", "picture"}  # a pattern, and what a screen reader says instead of the picture
    pieces = {name: re.split(r"\{\w+\}", text) for name, text in WORDS[language].items() if name not in never_seen}
    assert [(name, piece) for name, told in pieces.items() for piece in told if solid(piece) not in texts] == []


@needs_the_font
@every_sheet
def test_there_is_ink_where_a_character_is(sheet):
    printed = Printed(sheet)
    dpi = 144
    rows = printed.picture(dpi)
    blank = []
    for n in range(printed.layer.count_chars()):
        character = printed.layer.get_text_range(n, 1)
        left, bottom, right, top = (round(edge * dpi / 72) for edge in printed.layer.get_charbox(n))
        box = [row[left : right + 1] for row in rows[len(rows) - top - 1 : len(rows) - bottom + 1]]
        if solid(character) and min((min(row, default=255) for row in box), default=255) > 128:
            blank.append(character)
    assert blank == []


@needs_the_font
@every_sheet
def test_nothing_is_smaller_than_12_5_points_and_no_code_smaller_than_17(sheet):
    printed = Printed(sheet)
    sizes = [
        round(pdfium.FPDFText_GetFontSize(printed.layer, n), 2)
        for n in range(printed.layer.count_chars())
        if solid(printed.layer.get_text_range(n, 1))
    ]
    assert min(sizes) >= 12.5
    for code in [line.typed for line in sheet.lines] + [line.keypad.split()[0] for line in sheet.lines]:
        start, count = printed.layer.search(code).get_next()
        assert min(pdfium.FPDFText_GetFontSize(printed.layer, n) for n in range(start, start + count)) >= 17


@needs_the_font
def test_codes_are_evenly_wide():
    printed = Printed(SHEET)
    widths = set()
    for line in SHEET.lines:
        start, count = printed.layer.search(line.typed).get_next()
        lefts = [printed.layer.get_charbox(n, loose=True)[0] for n in range(start, start + count)]
        widths |= {round(right - left, 1) for left, right in pairwise(lefts)}
    assert len(widths) == 1


# The picture for cameras


@needs_the_font
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_picture_opens_the_address_with_the_query_number(language):
    assert scanned(Printed(replace(SHEET, language=language))) == [f"{ADDRESS}/q/{NUMBER}"]


@needs_the_font
def test_the_picture_is_read_from_a_poor_copy():
    assert scanned(Printed(SHEET), dpi=75) == [f"{ADDRESS}/q/{NUMBER}"]


@needs_the_font
def test_a_slash_at_the_end_of_the_address_does_not_matter():
    assert scanned(Printed(replace(SHEET, public_address=f"{ADDRESS}/"))) == [f"{ADDRESS}/q/{NUMBER}"]


@needs_the_font
@pytest.mark.parametrize("kind", [kind for kind in SHEETS if "without" in kind])
def test_without_a_number_or_an_address_there_is_no_picture(kind):
    printed = Printed(SHEETS[kind])
    assert scanned(printed) == []
    assert WORDS[kind[:2]]["picture_below"] not in printed.text


# What it is made of


@needs_the_font
@pytest.mark.parametrize(
    "name", ['#panic("x")', "*粗* _斜_ `码`", "$x^2$ \\ #{1 + 1}", '"}],{"lines":[]', "<script>", "{phone} {date}"]
)
def test_markup_in_what_is_printed_stays_text(name):
    printed = Printed(replace(SHEET, bureau=bureau(name={"zh": name}), sheet=name))
    assert solid(name) in solid(printed.above)
    assert solid(name) in solid(printed.strip)


@needs_the_font
def test_long_names_and_addresses_stay_on_the_page():
    name, host = "新疆维吾尔自治区巴音郭楞蒙古自治州和静县公安局" * 2, "cases." * 12 + "example.gov.cn"
    for language in ("zh", "en"):
        named = replace(SHEET, bureau=bureau(name={language: name}), language=language)
        printed = Printed(replace(named, public_address=f"https://{host}"))
        assert solid(name) in solid(printed.text)
        assert host in solid(printed.text)
        margin = round(19 / 25.4 * 100)
        assert min(min(min(row[:margin]), min(row[-margin:])) for row in printed.picture(dpi=100)) > 250


@needs_the_font
def test_what_does_not_fit_on_one_page_is_refused():
    with pytest.raises(CannotPrint, match="does not fit on one page"):
        code_sheet(replace(SHEET, bureau=bureau(name={"zh": "局" * 1000})))


@needs_the_font
def test_the_same_sheet_is_the_same_file_and_tells_no_time():
    one, other = Printed(SHEET), Printed(SHEET)
    assert one.pdf == other.pdf
    metadata = {key: value for key, value in one.document.get_metadata_dict().items() if value and key != "Creator"}
    assert metadata == {"Title": "纸质查询码"}


@pytest.mark.parametrize("number", ["26031200476", "2603 1200 4769", "２６０３１２００４７６９", "A26031200476", ""])
def test_a_query_number_has_twelve_digits(number):
    with pytest.raises(ValueError, match="twelve digits"):
        code_sheet(replace(SHEET, query_number=number))


def test_a_sheet_does_not_show_its_numbers_in_a_trace():
    assert NUMBER not in repr(SHEET)
    assert SHEET.lines[0].typed not in repr(SHEET)
    assert SHEET.lines[0].keypad not in repr(SHEET)


def test_both_languages_have_the_same_words_with_the_same_places_to_fill():
    places = {
        language: {name: set(re.findall(r"\{\w+\}", text)) for name, text in words.items()}
        for language, words in WORDS.items()
    }
    assert places["zh"] == places["en"]


def test_every_word_is_used_by_the_template():
    template = (NOTICES / "codes.typ").read_text(encoding="utf-8")
    used = set(re.findall(r"words\.(\w+)", template)) | set(re.findall(r'say\("(\w+)"', template))
    assert used - {"at"} == set(WORDS["zh"])


# What is missing


@needs_the_font
@pytest.mark.parametrize("face", ["TEXT_FONT", "CODE_FONT"])
def test_without_its_font_nothing_is_printed_and_the_package_is_named(monkeypatch, face):
    monkeypatch.setattr(printing, face, "No Such Font")
    with pytest.raises(CannotPrint, match="apt install fonts-noto-cjk"):
        code_sheet(SHEET)
    assert "apt install fonts-noto-cjk" in printing.state()


@needs_the_font
def test_any_other_warning_of_typst_is_an_error_too(monkeypatch, tmp_path):
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "codes.typ").write_text("#set document(date: none, title: [x])\n**\n")
    monkeypatch.setattr(printing, "shipped", lambda folder: tmp_path)
    with pytest.raises(CannotPrint, match=r"codes\.typ: no text within stars"):
        code_sheet(SHEET)


@pytest.mark.parametrize("library", ["typst", "segno"])
def test_without_the_extra_nothing_is_printed_and_the_extra_is_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(CannotPrint, match=r"pip install 'caseq\[notices\]'"):
        code_sheet(SHEET)
    assert "pip install 'caseq[notices]'" in printing.state()


@pytest.mark.parametrize(
    ("library", "said"),
    [(None, f"printing: {printing.state()}\n"), ("typst", "printing: typst or segno is not installed")],
)
def test_the_check_says_whether_sheets_can_be_printed_and_takes_no_for_no_fault(
    monkeypatch, database_url, tmp_path, library, said
):
    if library:
        monkeypatch.setitem(sys.modules, library, None)
    answer = CliRunner().invoke(main, ["check"], env=environment(database_url, tmp_path))
    assert said in answer.stdout
    assert answer.exit_code == 0


def test_nothing_heavy_is_loaded_before_something_is_printed():
    code = "import sys, caseq.cli, caseq.printing; sys.exit(bool({'typst', 'segno'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
