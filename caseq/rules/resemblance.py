"""Whether a message that somebody got reads like one of ours. Words can be copied: no answer here says whose it is."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from string import Formatter

from caseq.rules.messages import LONGEST_PHRASE, Wording

#: What is longer is no SMS of ours, whatever it begins with.
LONGEST_MESSAGE = 1000
_LINK = re.compile(
    r"://|www\.|(?<![a-z0-9])[a-z0-9-]+\.[a-z]{2,}|[a-z0-9-]\s*(?:\.|点)\s*(?:com|cn|net|top|xyz|vip|cc)(?![a-z])"
    r"|[0-9]+(?:\.[0-9]+){3}",
    re.I | re.A,
)
_OPENS = re.compile(r"链接|网址|点击|点开|二维码|下载|\b(?:link|click|tap|website|download|qr code)\b", re.I)
_MONEY = re.compile(
    r"转账|转帐|汇款|付款|支付|缴费|缴纳|交费|费用|保证金|押金|罚款|退款|赔付|账户|账号|银行|钱|红包|充值|[0-9百千万]元"
    r"|[¥$]|\b(?:transfer|pay|payment|fee|fine|deposit|refund|bank|account|money|yuan)\b",
    re.I,
)
_CODE = re.compile(
    r"(?:告诉|告知|发给|发送|发来|发到|提供|回复|报给|报出|输入|填写|转发|说出|念)[^。]{0,12}(?:验证码|密码|查询码)"
    r"|(?:验证码|密码|查询码)[^。]{0,12}(?:告诉|告知|发给|发送|发来|发到|提供|回复|报给|报出|输入|填写|转发|说出|念)"
    r"|\b(?:send|tell|reply|give|enter|forward|provide|share)\b[^.]{0,30}\b(?:codes?|password|pin)\b",
    re.I,
)
#: What may stand in a place. The number to call is not here: only the help line itself may stand there.
_VALUES = {"code": "[0-9]{8}", "minutes": "[0-9]{1,2}", "phrase": rf"[^\W\d_]{{1,{LONGEST_PHRASE}}}"}


class Verdict(StrEnum):
    """How a message reads: like ours, or not, and then what is strange in it; UNKNOWN: only that it is not ours."""

    LIKE_OURS = "like ours"
    LINK = "link"
    MONEY = "money"
    CODE = "code"
    UNKNOWN = "unknown"


def resembles(wording: Wording, help_phone: str, text: str) -> Verdict:
    """How this text reads; only one that is ours to the letter, but for spaces and width, is LIKE_OURS."""
    is_whole = len(text) <= LONGEST_MESSAGE
    text = unicodedata.normalize("NFKC", text[:LONGEST_MESSAGE])
    bare = _bare(text)
    if is_whole and any(re.fullmatch(form, bare) for form in _forms(wording, help_phone)):
        return Verdict.LIKE_OURS
    if has_link(text):
        return Verdict.LINK
    if _MONEY.search(text):
        return Verdict.MONEY
    return Verdict.CODE if _CODE.search(text) else Verdict.UNKNOWN


def has_link(text: str) -> bool:
    """Whether the text has an address in it, or asks to open one."""
    return _LINK.search(text) is not None or _OPENS.search(text) is not None


def _forms(wording: Wording, help_phone: str) -> list[str]:
    """A pattern for every text of ours without its spaces, in every language, with a phrase and without."""
    values = {**_VALUES, "help_phone": re.escape(_bare(help_phone))}
    return [
        re.escape(_bare(signature)) + _form(template.sentences[language], values) + phrase
        for language, signature in wording.signatures.items()
        for template in wording.templates.values()
        for phrase in ("", _form(wording.phrases[language], values))
    ]


def _form(sentence: str, values: Mapping[str, str]) -> str:
    """The pattern of a sentence with places."""
    parts = Formatter().parse(sentence)
    return "".join(re.escape(_bare(words)) + (values[place] if place else "") for words, place, _, _ in parts)


def _bare(text: str) -> str:
    """The text without width, spaces and what cannot be seen."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")
