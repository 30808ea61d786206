"""Chinese and English: the words, dates and times of the public pages.

The Chinese in templates and modules is the source text; the English stands in translations/en.po, which is read
once at start. Chinese needs no catalogue.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from caseq.rules.case import BUREAU_TIME, bureau_date

LANGUAGES = ("zh", "en")
DEFAULT = "zh"
TRANSLATIONS = Path(__file__).parent / "translations"

# Babel finds nothing, silently, where a locale is named zh_Hans_CN and a catalogue zh_Hans: these names are only
# for dates, the catalogue is opened by its path.
_LOCALES = {"zh": Locale("zh", "Hans"), "en": Locale("en", "GB")}
_HTML_LANG = {"zh": "zh-CN", "en": "en"}
_LONG_DATE = {"zh": "y年M月d日 EEEE", "en": "EEEE d MMMM y"}
_DATE = {"zh": "y年M月d日", "en": "d MMMM y"}


def N_(message: str) -> str:  # noqa: N802 - gettext's name for "translate this later"
    """`message` itself, marked for translation."""
    return message


@cache
def catalogue(language: str) -> NullTranslations:
    """The translations of a language, compiled in memory from its .po file."""
    if language == DEFAULT:
        return NullTranslations()
    with (TRANSLATIONS / f"{language}.po").open("rb") as source:
        messages = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


class Words:
    """Everything one language can say: messages, dates, clock times, text from case systems."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.html_lang = _HTML_LANG[language]
        self._locale = _LOCALES[language]
        self._catalogue = catalogue(language)
        self._said: dict[str, Markup] = {}

    def say(self, message: str, **values: object) -> Markup:
        """The translated message with its ``%(name)s`` filled in; the values are escaped unless they are Markup."""
        said = self._said.get(message)
        if said is None:
            said = self._said[message] = Markup(self._catalogue.gettext(message))  # noqa: S704 - our own text
        return said % values if values else said

    def day(self, day: date | datetime | str | None) -> str:
        """12 March 2026 at the bureau; text that is not an ISO date comes back as it is."""
        return self._written(day, _DATE)

    def long_day(self, day: date | datetime | str | None) -> str:
        """The date with its weekday."""
        return self._written(day, _LONG_DATE)

    def clock(self, moment: datetime) -> str:
        """The time of day at the bureau, 24 hours."""
        return str(format_datetime(moment.astimezone(BUREAU_TIME), "HH:mm", locale=self._locale))

    def quoted(self, text: object) -> Markup:
        """Text as a case system wrote it: always Chinese, and marked so inside an English page."""
        if self.language == DEFAULT:
            return escape(text)
        return Markup('<span lang="zh-CN">{}</span>').format(text)

    def listed(self, items: Sequence[str]) -> Markup:
        """The items in one line."""
        return (Markup("、") if self.language == DEFAULT else Markup(", ")).join(items)

    def _written(self, day: date | datetime | str | None, pattern: dict[str, str]) -> str:
        found = as_date(day)
        return str(day or "") if found is None else _date_written(found, pattern[self.language], self.language)


@lru_cache(maxsize=1024)
def _date_written(day: date, pattern: str, language: str) -> str:
    return str(format_date(day, pattern, locale=_LOCALES[language]))


def as_date(value: object) -> date | None:
    """The date at the bureau of a date, a moment or an ISO text; None for anything else."""
    if isinstance(value, datetime):
        return bureau_date(value)
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


@cache
def words(language: str) -> Words:
    """The words of a language, made once."""
    return Words(language)
