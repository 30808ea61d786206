"""Is this message from us? How our SMS read, what they never do, and a comparison that keeps nothing.

For anybody, without a login. Nothing here asks the database, and a pasted text goes into no log.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request

from caseq.rules.agreed import cleaned
from caseq.rules.resemblance import LONGEST_MESSAGE, Verdict, resembles
from caseq.settings import Settings
from caseq.web.browser import remember_choices, session_token
from caseq.web.current import LANGUAGES, runtime
from caseq.web.language import N_
from caseq.web.rendering import page

blueprint = Blueprint("sms", __name__)
blueprint.after_request(remember_choices)

_EMPTY = N_("请把短信贴进来")
_TITLES: Mapping[str, str] = {
    "code": N_("验证码"),
    "news": N_("有新内容"),
    "device": N_("有新设备打开了您的查询页"),
    "number": N_("登记的手机号改了"),
}
#: What is said of a message that does not read like ours; never that it is forged, and of none that it is ours.
_STRANGE: Mapping[Verdict, str] = {
    Verdict.LINK: N_("里面有链接，或者让您点开、扫码、下载。我们的短信里没有这些。"),
    Verdict.MONEY: N_("里面提到钱或者账户。我们的短信从来不提钱。"),
    Verdict.CODE: N_("里面让您交出验证码或者密码。我们从来不要这些。"),
    Verdict.UNKNOWN: N_("它和我们的每一种写法都不一样。请看看是不是整条都贴了，一个字也没有改。"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One of our texts as it reads in every language, by language."""

    title: str
    texts: Mapping[str, str]


@blueprint.get("/sms")
def sms() -> Response:
    """How our messages read, and the form."""
    return _page()


@blueprint.post("/sms")
def compare() -> Response:
    """Whether the pasted message reads like ours; it is read here and nowhere else."""
    typed = request.form.get("text", "")
    if not cleaned(typed[:LONGEST_MESSAGE]):
        return _page(fault=_EMPTY)
    settings = runtime().settings
    return _page(typed=typed[:LONGEST_MESSAGE], verdict=resembles(settings.wording, settings.bureau.help_phone, typed))


def _page(typed: str = "", verdict: Verdict | None = None, fault: str | None = None) -> Response:
    settings = runtime().settings
    return page(
        "sms",
        422 if fault else 200,
        samples=list(_samples(settings)),
        signatures=settings.wording.signatures,
        agreed={language: phrase.format(phrase="…") for language, phrase in settings.wording.phrases.items()},
        typed=typed,
        is_like_ours=verdict is Verdict.LIKE_OURS,
        strange=_STRANGE.get(verdict) if verdict else None,
        fault=fault,
        signed_in=bool(session_token()),
    )


def _samples(settings: Settings) -> Iterator[Sample]:
    """Every text that goes out, with made-up values."""
    minutes, phone = str(settings.login.code_minutes), settings.bureau.help_phone
    values = {"code": "1234 5678", "minutes": minutes, "help_phone": phone}
    for name in settings.wording.templates:
        texts = {language: settings.wording.written(name, language, values).text for language in LANGUAGES}
        yield Sample(_TITLES[name], texts)
