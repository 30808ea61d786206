"""Reads the parts of a mapping that say how one value is found: columns, codes, conditions, templates, penalties."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from adapters import vocabulary
from adapters.mapping import (
    Condition,
    Conditions,
    Day,
    Detail,
    Flag,
    Penalties,
    PenaltyMapping,
    Phrase,
    Phrases,
    Subject,
    SubjectByName,
    Turn,
    Value,
)
from adapters.sections import Section, plain

_NUMBERS = {"amount": r"(?P<amount>[1-9]\d{0,11})", "days": r"(?P<days>[1-9]\d{0,3})"}
_NO_VALUE = Value()
#: One column in a template.
TEMPLATE = re.compile(r"\{([^{}]+)\}")


def value(part: Section, key: str, default: Value | None = _NO_VALUE) -> Value:
    """The value of this key: a column, a list of columns, or a table; required if the default is None."""
    given = part.values.get(key)
    if given is None:
        part.section(key, required=default is None)
        return default or _NO_VALUE
    if isinstance(given, str | list):
        return Value(columns=part.names(key))
    return _table(part.section(key), None)


def word(part: Section, key: str, allowed: Collection[str], default: str | None = None) -> Value:
    """The value of this key that is one of `allowed`: the word itself, or a table with a code table in it."""
    if isinstance(part.values.get(key), dict):
        return _table(part.section(key), allowed)
    return Value(always=part.choice(key, allowed, default))


def _table(part: Section, allowed: Collection[str] | None) -> Value:
    columns = part.names("column", ()) + part.names("columns", ())
    always = part.text("always", "") if allowed is None or "always" not in part else part.choice("always", allowed)
    if not columns and not always:
        part.fault("column", "is missing")
    codes = None
    if "codes" in part or (allowed is not None and columns):
        codes = part.codes("codes", allowed if allowed is None else frozenset(allowed) | {""})
    found = Value(columns, always, codes, conditions(part, "when") or ())
    part.close()
    return found


def conditions(part: Section, key: str) -> Conditions | None:
    """The conditions of this key, each { column, is = […] }, { column, is_not = […] } or { column, filled = … }."""
    if key not in part:
        part.section(key, required=False)
        return None
    return tuple(_condition(inner) for inner in part.one_or_more(key))


def _condition(part: Section) -> Condition:
    column = part.name("column")
    if "filled" in part:
        condition = Condition(column, frozenset({""}), inverted=part.flag("filled", True))
    else:
        inverted = "is_not" in part
        texts = part.texts("is_not" if inverted else "is")
        condition = Condition(column, frozenset(map(plain, texts)), inverted)
    part.close()
    return condition


def template(part: Section, key: str, default: str | None = None) -> str:
    """The template of this key: text with column names in braces, at least one."""
    text = part.text(key, default)
    if text and (not TEMPLATE.search(text) or re.search("[{}]", TEMPLATE.sub("", text))):
        part.fault(key, "must name its columns in braces, such as {RYBH}:family")
        return ""
    for name in TEMPLATE.findall(text):
        part.check_name(key, name)
    return text


@lru_cache(maxsize=1024)
def template_columns(text: str) -> tuple[str, ...]:
    """The columns a template such as '{RYBH}:family' names, `role` apart."""
    return tuple(name for name in TEMPLATE.findall(text) if name != "role")


def subject(part: Section, tables: Collection[str]) -> Subject:
    """The suspect under `subject`: a template, or { column, table, name, key } for one who is given by name."""
    may_be_empty = part.flag("whole_case_when_empty", False)
    if not isinstance(part.values.get("subject"), dict):
        return Subject(template(part, "subject", ""), None, may_be_empty)
    inner = part.section("subject")
    by_name = SubjectByName(
        column=inner.name("column"),
        table=inner.choice("table", tables),
        name=inner.name("name"),
        key=template(inner, "key"),
    )
    inner.close()
    return Subject("", by_name, may_be_empty)


def details(part: Section, names: Collection[str]) -> Mapping[str, Detail]:
    """The details of milestones of these names."""
    known = frozenset[str]().union(*(vocabulary.DETAILS.get(name, frozenset()) for name in names))
    inner = part.section("details", required=False)
    found: dict[str, Detail] = {}
    for name in list(inner.values):
        if name not in known:
            about = " or ".join(sorted(names)) or "this milestone"
            inner.fault(name, f"is not a detail of {about}; known are {', '.join(sorted(known)) or 'none'}")
        found[name] = _detail(inner, name)
    return found


def _detail(part: Section, name: str) -> Detail:
    given = part.values[name]
    if name == "penalties":
        return _penalties(part)
    if name in vocabulary.DATES:
        return Day(value(part, name, None))
    if name in vocabulary.FLAGS:
        return Flag(conditions(part, name) or ())
    words = vocabulary.DETAIL_VALUES.get(name)
    if words is None:
        return value(part, name, None)
    if isinstance(given, dict) and "first" in given:
        inner = part.section(name)
        turn = Turn(inner.choice("first", words), inner.choice("later", words))
        inner.close()
        return turn
    return word(part, name, words)


def _penalties(part: Section) -> Phrases | Penalties:
    given = part.values["penalties"]
    if isinstance(given, dict) and "words" in given:
        return _phrases(part.section("penalties"))
    return Penalties(tuple(_penalty(inner) for inner in part.one_or_more("penalties")))


def _penalty(part: Section) -> PenaltyMapping:
    penalty = PenaltyMapping(
        kind=word(part, "kind", vocabulary.PENALTIES), amount=value(part, "amount"), days=value(part, "days")
    )
    part.close()
    return penalty


def _phrases(part: Section) -> Phrases:
    between = sorted(part.texts("between"), key=len, reverse=True)
    words = part.codes("words", vocabulary.PENALTIES)
    phrases = Phrases(
        column=part.name("column"),
        between=re.compile("|".join(map(re.escape, between)) or r"(?!)"),
        phrases=tuple(Phrase(_wording(wording), penalty) for wording, penalty in words.items()),
    )
    part.close()
    return phrases


def _wording(wording: str) -> re.Pattern[str]:
    """The pattern of a wording such as 罚款{amount}元."""
    pieces = re.split(r"\{(amount|days)\}", wording)
    return re.compile("".join(_NUMBERS[piece] if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)))
