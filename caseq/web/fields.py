"""What people type into the three steps, taken generously. Only the form is checked, nothing is looked up."""

import re
import unicodedata

from caseq.rules import papercodes, querynumbers
from caseq.rules.numbers import (
    CASE_NUMBER,
    LONGEST_NUMBER,
    bare,
    digits_of,
    folded,
    holds_case_number,
    is_telephone,
    lookup_key,
    mobile,
)
from caseq.web.language import N_

CODE_DIGITS = 8

WRONG_CODE = N_("验证码对不上，请看最新的短信")

_EMPTY = N_("请填编号")
_TOO_LONG = N_("这里只填编号，不用写别的")
_NO_DIGITS = N_("编号里有数字，请再看一下回执")

_MORE = N_("编号旁边还有别的字，请只填编号")
_PHONE = N_("这像是手机号。这里请填案件编号")
_LANDLINE = N_("这像是电话号码。这里请填案件编号")
_IDENTITY = N_("这像是身份证号。请填回执上的编号")
_CALL = N_("这像是接警编号。请看回执上 A 开头的编号")
_PETITION = N_("这像是信访编号。请填告知书上的编号或文号")
_MISTYPED = N_("请再看一下编号，有一位可能抄错了")
_QUERY_LENGTH = N_("查询编号是 12 位数字，请再数一下")
_LENGTH = N_("A 后面应当有 22 位数字，请再数一下")
#: What is said of a number that some bureau may well use for its cases: whoever sends it a second time is believed.
DOUBTS = frozenset((_MORE, _PHONE, _LANDLINE, _IDENTITY, _CALL, _PETITION, _MISTYPED, _QUERY_LENGTH, _LENGTH))

_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_BORN = f"(?:(?:19|20)[0-9]{{2}}{_DAY}[0-9]{{3}}[0-9X]|[0-9]{{2}}{_DAY}[0-9]{{3}})"
_IDENTITY_FORM = re.compile(f"(?:[^0-9]*身份[^0-9]*)?[1-9][0-9]{{5}}{_BORN}")
_CALLED = f"20[0-9]{{2}}{_DAY}"
#: J and digits; or the day of the call, first or after the unit; or the word itself before a number without 〔year〕.
_CALL_FORM = re.compile(
    f"J[0-9]{{8,}}|{_CALLED}[0-9]{{6,}}|[0-9]{{12}}{_CALLED}[0-9]{{4,}}|(?:接警|接处警|报警|警情)[^〔]*"
)
_PETITION_FORM = re.compile("(?:XF|信访)[^0-9〔]*[0-9]{6,}")


def case_number_fault(typed: str, doubted: str = "") -> str | None:
    """What to say about a text that is no case number by its form; None for anything that may be looked up.

    Nothing is refused that some bureau may use as the number of a case or document: that is doubted (DOUBTS), and
    taken when it is `doubted` already, because it was sent before.
    """
    key = lookup_key(typed)
    if not key:
        return _EMPTY
    if len(typed.strip()) > LONGEST_NUMBER:
        return _TOO_LONG
    if not any(c.isdigit() for c in key):
        return _NO_DIGITS
    return None if key == lookup_key(doubted) else _doubt(typed, key)


def as_printed(typed: str) -> str:
    """A query number in groups of four digits; anything else as it was typed."""
    key = lookup_key(typed)
    return querynumbers.printed(key) if querynumbers.is_right(key) else typed.strip()


def phone_fault(typed: str) -> str | None:
    """What to say about a telephone number that cannot receive an SMS."""
    if not typed.strip():
        return N_("请填手机号")
    return None if mobile(typed) else N_("手机号应当有 11 位数字，请再看一下")


def code(typed: str) -> str:
    """The digits of a code, however they were typed or pasted."""
    return "".join(c for c in unicodedata.normalize("NFKC", typed) if c.isdecimal())


def code_fault(typed: str) -> str | None:
    """What to say about a code that cannot be one; None if it is worth a try."""
    digits = code(typed)
    if not digits:
        return N_("请填验证码")
    return None if len(digits) == CODE_DIGITS else N_("验证码是 8 位数字，请再看一下短信")


def phrase_fault(language: str) -> str:
    """What to say about a phrase that messages in this language may not carry."""
    if language == "zh":
        return N_("约定的词最多 6 个汉字或字母。不要数字、标点，也不要用自己的名字")
    return N_("短信用英文的，约定的词只能是英文字母，最多 6 个。不要用自己的名字")


def is_own_code(way: str, typed: str) -> bool:
    """Whether a code of this way ("paper", "app") could be it, by its form only."""
    return papercodes.parse(typed) is not None if way == "paper" else len(code(typed)) == CODE_DIGITS


def own_code_fault(way: str, typed: str) -> str:
    """What to say about a code of paper or of an app that was not taken."""
    if not typed.strip():
        return N_("请填查询码")
    if is_own_code(way, typed):
        return N_("查询码对不上，或者已经用过了") if way == "paper" else N_("对不上，请等下一个 8 位数字再试")
    if way == "paper":
        return N_("这一行好像抄错了一个字，请对着纸再看一下")
    return N_("认证器上是 8 位数字，请再看一下")


def _doubt(typed: str, key: str) -> str | None:
    """What this number looks like instead; None if it looks like that of a case, a document or nothing we know."""
    if CASE_NUMBER.fullmatch(key) or querynumbers.is_right(key):
        return None
    if holds_case_number(folded(typed)):
        return _MORE
    plain = bare(folded(typed))
    return _telephone_doubt(typed, plain) or _other_number_doubt(plain)


def _telephone_doubt(typed: str, plain: str) -> str | None:
    if mobile(typed):
        return _PHONE
    has_area = re.match("[0+〔]|[48]00", plain)
    return _LANDLINE if has_area and is_telephone(typed) else None


def _other_number_doubt(plain: str) -> str | None:
    if querynumbers.has_form(digits_of(plain)):
        return _MISTYPED
    for form, said in ((_IDENTITY_FORM, _IDENTITY), (_CALL_FORM, _CALL), (_PETITION_FORM, _PETITION)):
        if form.fullmatch(plain):
            return said
    digits = sum(c.isdigit() for c in plain)
    if plain.isascii() and plain.isdigit() and digits in (querynumbers.DIGITS - 1, querynumbers.DIGITS + 1):
        return _QUERY_LENGTH
    is_number = plain.isascii() and (plain.isdigit() or plain[0] == "A")
    return _LENGTH if is_number and digits > querynumbers.DIGITS else None
