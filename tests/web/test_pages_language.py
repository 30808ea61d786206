"""The words: all of them in both languages, and written as people are to read them."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from marshmallow import validate

from caseq.rules.case import DETAIL_FIELDS, Kind, MilestoneName, Role
from caseq.web import schemas, wording
from caseq.web.language import TRANSLATIONS, words
from tests.service import ROOT

HAN = "\u4e00-\u9fff"
HALF_WIDTH = re.compile(rf"[{HAN}][,.:;!?()]|[,.:;!?(][{HAN}]|[{HAN}]\)")
AVOIDED = (
    "用户",
    "犯人",
    "罪犯",
    "犯罪分子",
    "非法",
    "无效",
    "系统异常",
    "务必",
    "切勿",
    "后果自负",
    "恭喜",
    "！",
    "尽快",
    "近期",
)
TAG_OR_VALUE = re.compile(r"%\(\w+\)s|</?\w+>")


def messages() -> set[str]:
    """Every message that the templates and the modules can say."""
    found: set[str] = set()
    templates = [ROOT / "templates" / "layout.html", *(ROOT / "templates" / "pages").glob("*.html")]
    for path in templates:
        options = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
        found |= {str(row[1]) for row in extract_from_file("jinja2.ext:babel_extract", path, options=options)}
    for path in (ROOT / "caseq" / "web").glob("*.py"):
        found |= {str(row[1]) for row in extract_from_file("python", path, keywords={"N_": None})}
    return found


def english() -> dict[str, str]:
    with (TRANSLATIONS / "en.po").open("rb") as source:
        return {str(message.id): str(message.string) for message in read_po(source) if message.id}


def rights() -> Iterator[tuple[Path, str, str]]:
    """(file, language, text) of every sentence in config/rights."""
    for path in sorted((ROOT / "config" / "rights").glob("*.toml")):
        for right in tomllib.loads(path.read_text(encoding="utf-8"))["right"]:
            for language in ("zh", "en"):
                yield path, language, right["title"][language]
                yield path, language, right["text"][language]


def test_every_message_has_english_and_no_english_is_left_over():
    translated = english()
    assert messages() - set(translated) == set()
    assert set(translated) - messages() == set()
    assert [id_ for id_, text in translated.items() if not text.strip()] == []


def test_english_keeps_the_values_and_the_marks_of_the_chinese():
    for chinese, text in english().items():
        assert sorted(TAG_OR_VALUE.findall(chinese)) == sorted(TAG_OR_VALUE.findall(text)), chinese
        assert not re.search(r"%(?!\(\w+\)s)", chinese + text), "a bare % would break the message"
        assert not re.search(f"[{HAN}]", text), text


def test_chinese_has_full_width_punctuation_and_no_avoided_words():
    chinese = [TAG_OR_VALUE.sub("", message) for message in messages()]
    chinese += [text for _, language, text in rights() if language == "zh"]
    assert [text for text in chinese if HALF_WIDTH.search(text)] == []
    assert [text for text in chinese if any(word in text for word in AVOIDED)] == []


def test_templates_hold_no_chinese_outside_messages():
    """Whatever is Chinese in a template must be translatable; the picture of the receipt is Chinese on purpose."""
    for path in [ROOT / "templates" / "layout.html", *(ROOT / "templates" / "pages").glob("*.html")]:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\{% trans.*?endtrans %\}|\{#.*?#\}|<svg class=\"receipt\".*?</svg>", "", text, flags=re.S)
        text = re.sub(r"_\('[^']*'\)|>中文<", "", text)
        assert not re.search(f"[{HAN}]", text), path.name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_name_field_and_value_has_words(language):
    say = words(language).say
    assert set(wording.MILESTONES) == set(MilestoneName) == set(wording.LINES)
    assert set(wording.ROLES) == set(Role)
    assert set(wording.KINDS) == set(Kind)
    assert set(wording.LABELS) == set().union(*DETAIL_FIELDS.values()) == set(schemas.DETAIL_TYPES)
    for table in (wording.MILESTONES, wording.LINES, wording.ROLES, wording.KINDS, wording.LABELS):
        assert all(say(message) for message in table.values())


@pytest.mark.parametrize(
    ("field", "table"),
    [
        ("measure", wording.MEASURES),
        ("action", wording.ACTIONS),
        ("phase", wording.PHASES),
        ("outcome", wording.OUTCOMES),
    ],
)
def test_the_values_of_a_field_are_those_that_may_be_pushed(field, table):
    (allowed,) = [v for v in schemas.DETAIL_TYPES[field].validators if isinstance(v, validate.OneOf)]
    assert set(allowed.choices) == set(table)


def test_the_kinds_of_penalty_are_those_that_may_be_pushed():
    kind = schemas._Penalty().fields["kind"]
    (allowed,) = [v for v in kind.validators if isinstance(v, validate.OneOf)]
    assert set(allowed.choices) == set(wording.PENALTIES)


def test_every_rights_file_has_rights_and_duties_in_both_languages():
    for path in (ROOT / "config" / "rights").glob("*.toml"):
        titles = [right["title"] for right in tomllib.loads(path.read_text(encoding="utf-8"))["right"]]
        duties = [title for title in titles if title["zh"].startswith("义务：")]
        assert [title["en"].startswith("Duty: ") for title in titles] == [title in duties for title in titles]
        assert 1 <= len(duties) <= 3, path.name
        assert 2 <= len(titles) - len(duties) <= 6, path.name
        assert "sign off" in path.read_text(encoding="utf-8").split("\n\n")[0]


def test_dates_are_written_in_the_time_of_the_bureau():
    late = datetime(2026, 3, 11, 16, 30, tzinfo=UTC)
    assert words("zh").long_day(late) == "2026年3月12日 星期四"
    assert words("en").long_day(late) == "Thursday 12 March 2026"
    assert words("zh").clock(late) == "00:30"
    assert words("zh").day(date(2026, 3, 12)) == words("zh").day("2026-03-12") == "2026年3月12日"
    assert words("zh").day("看文书") == "看文书"
    assert words("zh").day(None) == ""
