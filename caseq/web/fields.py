"""What people type into the three steps, taken generously. Only the form is checked, nothing is looked up."""

import unicodedata

from caseq.rules import papercodes
from caseq.rules.numbers import CASE_NUMBER, LONGEST_NUMBER, lookup_key, mobile
from caseq.web.language import N_

CODE_DIGITS = 8

WRONG_CODE = N_("验证码对不上，请看最新的短信")

_EMPTY = N_("请填编号")
_TOO_LONG = N_("这里只填编号，不用写别的")
_NO_DIGITS = N_("编号里有数字，请再看一下回执")
_PHONE = N_("这像是手机号。这里请填案件编号")
_CALL = N_("这像是接警编号。请看回执上 A 开头的编号")
_LENGTH = N_("A 后面应当有 22 位数字，请再数一下")


def case_number_fault(typed: str) -> str | None:
    """What to say about a case number that cannot be one; None for anything that may be looked up.

    Numbers of documents and short query numbers are taken too: their form differs from place to place.
    """
    key = lookup_key(typed)
    if not key:
        return _EMPTY
    if len(typed.strip()) > LONGEST_NUMBER:
        return _TOO_LONG
    if not any(c.isdigit() for c in key):
        return _NO_DIGITS
    if key.isascii() and not CASE_NUMBER.fullmatch(key):
        return _plain_number_fault(key)
    return None


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


def _plain_number_fault(key: str) -> str | None:
    digits = sum(c.isdigit() for c in key)
    if mobile(key):
        return _PHONE
    if key.startswith("J"):
        return _CALL
    return _LENGTH if digits > 12 and (key[0] == "A" or key.isdigit()) else None
