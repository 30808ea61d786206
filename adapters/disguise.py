"""Rows without their persons: invented names, phones and birth dates, alike wherever they were alike before."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta

from adapters.mapping import Row, SystemMapping, Table
from adapters.masking import shown
from adapters.moments import moment
from adapters.reading import CaseRows
from adapters.roles import Roles, roles
from adapters.sections import plain
from adapters.values import Unread, UnreadableError, is_closed, is_juvenile, penalties, same_name, shown_code
from caseq.rules.numbers import mobile

_FAMILY = "赵钱孙李周吴郑王冯陈"
_GIVEN = "甲乙丙丁戊己庚辛壬癸"
#: Words that stand for no number, or beside one, and that tell of nobody.
_WORDS = re.compile("手机|电话|本人|联系|家|无|不详|未知|空号")
#: A mobile number, however it is divided, with the digits of its country; or else digits in a row.
_GAP = r"[^\w/、，,；;]{0,2}"
_NUMBER = re.compile(rf"(?<!\d)(?:(?:[0０]{{2}})?[8８][6６]{_GAP})?([1１]{_GAP}[3-9３-９](?:{_GAP}\d){{9}})(?!\d)|\d+")
_DATE = re.compile(r"(\d{4})(\D?)(\d{2}|\d(?!\d))(\D?)(\d{1,2})")
_UNREADABLE = "（文字）"


class Disguise:
    """Changes rows of one mapping; what was equal stays equal, and what could be read is still read."""

    def __init__(self, mapping: SystemMapping, today: date) -> None:
        self.mapping = mapping
        self.today = today
        self.names: dict[str, str] = {}
        self.phones: dict[str, str] = {}
        self.born: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.persons: frozenset[str] = frozenset()
        self.roles = {table.name: roles(mapping, table) for table in mapping.tables}

    def case(self, case: CaseRows) -> CaseRows:
        """The case with every row disguised; a row that is deleted or secret keeps only what says so, and its joins."""
        self.persons = frozenset(self._persons(case))
        tables = {
            name: [self._row(self.mapping.table(name), row) for row in rows] for name, rows in case.tables.items()
        }
        return CaseRows(self._key(case.number), tables)

    def _persons(self, case: CaseRows) -> Iterator[str]:
        """The names in the rows of this case, in one word each, but for words that the mapping knows."""
        for table, rows in case.tables.items():
            role_of = self.roles[table]
            for column, text in ((column, row.get(column)) for row in rows for column in role_of.names):
                if text and not isinstance(text, Unread) and plain(text) not in role_of.words.get(column, ()):
                    yield from (name for name in re.split(r"[\W\d_]+", same_name(text).casefold()) if len(name) > 1)

    def _row(self, table: Table, row: Row) -> dict[str, str | None]:
        is_kept_back = is_closed((*table.deleted, *table.secret), row)
        role_of = self.roles[table.name]
        return {
            column: None if is_kept_back and column not in role_of.guards else self._text(role_of, column, text)
            for column, text in row.items()
        }

    def _text(self, role_of: Roles, column: str, text: str | None) -> str | None:
        if not text or isinstance(text, Unread):
            return text
        if not text.strip() or plain(text) in role_of.words.get(column, frozenset()):
            return text
        if column in role_of.names:
            return self._name(text)
        if column in role_of.phones:
            return self._phone(text)
        if column in role_of.born:
            return self._born(text)
        if column in role_of.dates and (moment(text) or _is_epoch(text)):
            return text
        if column in role_of.keys:
            return self._key(text.strip())
        if column in role_of.dates:
            return _UNREADABLE
        if self._names_a_person(text):
            return self._free(text)
        if column in role_of.public or self._is_penalty(role_of, column, text) or shown_code(plain(text)):
            return text
        return self._free(text)

    def _name(self, text: str) -> str:
        known = same_name(text)
        if known not in self.names:
            place = len(self.names)
            self.names[known] = f"{_FAMILY[place % 10]}某{_GIVEN[place // 10 % 10]}" + (
                str(place // 100) * (place > 99)
            )
        return self.names[known]

    def _phone(self, text: str) -> str:
        kept = {place for found in _WORDS.finditer(text) for place in range(*found.span())}
        words = "".join("某" if letter.isalpha() and place not in kept else letter for place, letter in enumerate(text))
        return _NUMBER.sub(self._other, words)

    def _other(self, found: re.Match[str]) -> str:
        """Another number in place of this one, divided as it is."""
        if not found[1]:
            return self._number(found[0])
        digits = iter(self._number(re.sub(r"\D", "", found[1])))
        country = found[0][: found.start(1) - found.start()]
        return country + re.sub(r"\d", lambda _: next(digits), found[1])

    def _number(self, digits: str) -> str:
        """Other digits, as many; a mobile number stays one, and an area code stays."""
        known = unicodedata.normalize("NFKC", digits)
        if len(known) <= 4 and (known.startswith("0") or known == "86"):
            return digits
        if known not in self.phones:
            start = "199" if len(known) == 11 and mobile(known) else known[:1]
            rest = len(known) - len(start)
            self.phones[known] = start + (f"{len(self.phones) + 1:0{rest}d}"[-rest:] if rest else "")
        return self.phones[known]

    def _born(self, text: str) -> str:
        found = moment(text)
        if found is None:
            return _UNREADABLE
        if text not in self.born:
            years = 10 if is_juvenile(found.date(), self.today) else 40
            other = self.today - timedelta(days=years * 365 + len(self.born) * 37 % 1800)
            match = _DATE.search(unicodedata.normalize("NFKC", text))
            parts = [f"{other:%Y}", match[2], f"{other:%m}", match[4], f"{other:%d}"] if match else [f"{other:%Y%m%d}"]
            self.born[text] = "".join(parts)
        return self.born[text]

    def _key(self, text: str) -> str:
        return text if shown(text) == text and not self._names_a_person(text) else self._free(text)

    def _names_a_person(self, text: str) -> bool:
        known = same_name(text).casefold()
        return any(name in known for name in self.persons)

    def _free(self, text: str) -> str:
        """A text that says nothing, another one for another text."""
        return self.texts.setdefault(text, f"文字{len(self.texts) + 1}")

    def _is_penalty(self, role_of: Roles, column: str, text: str) -> bool:
        """Whether these are known wordings of penalties and nothing else."""
        for phrases in role_of.phrases.get(column, ()):
            try:
                penalties({column: text}, phrases)
            except UnreadableError:
                return False
            return True
        return False


def _is_epoch(text: str) -> bool:
    """Whether this counts the seconds or milliseconds from 1970."""
    return text.isascii() and text.isdigit() and len(text) in (10, 13)
