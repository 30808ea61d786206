"""How the service does, for everybody: the totals of this year and the last, without a login and about nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, Response
from markupsafe import Markup

from caseq import reporting
from caseq.rules.annual import Performance, is_few, share
from caseq.web.browser import page_words, remember_choices, session_token
from caseq.web.current import runtime
from caseq.web.kept import OLDEST, kept
from caseq.web.language import N_, Words
from caseq.web.rendering import page

blueprint = Blueprint("performance", __name__)
blueprint.after_request(remember_choices)

_FEW = N_("少于5")
_KEPT_BACK = N_("不公布")


@dataclass(frozen=True)
class Line:
    """One figure in words: what it is, how many, what exactly is counted."""

    title: Markup
    value: Markup
    meaning: Markup


@blueprint.get("/performance")
def performance() -> Response:
    """The page; what it says is some minutes old at most."""
    parts, words = runtime(), page_words()
    found = kept("performance", lambda: reporting.performance(parts))
    years = [(year.year, _lines(year, words)) for year in found]
    minutes = int(OLDEST.total_seconds()) // 60
    return page("performance", signed_in=bool(session_token()), years=years, minutes=minutes)


def _lines(year: Performance, words: Words) -> Sequence[Line]:
    told = (year.in_time, year.late, year.overdue)
    lines = [
        _line(words, N_("网上和电话查询"), year.queries, N_("当事人打开案件页面、民警在电话里代查的次数")),
        _line(words, N_("按时告知"), year.in_time, N_("法定期限在这一年届满、期限以前公开给当事人的事项")),
        _line(words, N_("超过期限才告知"), year.late, N_("期限届满以后才公开的事项")),
        _line(words, N_("到期还没有告知"), year.overdue, N_("期限已满、还没有公开的事项")),
        Line(words.say(N_("按时率")), _share(told, words), words.say(N_("按时告知的占到期事项的比例"))),
        _line(words, N_("送达的短信"), year.delivered, N_("运营商回执说已经送到手机的短信")),
    ]
    said = year.opinions
    lines += [
        _line(words, N_("评价"), said.ratings, N_("当事人评价的次数")),
        _part(words, N_("满意"), said.satisfied, said.ratings, N_("评价为满意的次数")),
        _line(words, N_("投诉"), said.complaints, N_("这一年收到的投诉")),
        _part(words, N_("已答复的投诉"), said.answered, said.complaints, N_("其中已经答复的")),
    ]
    return lines


def _line(words: Words, title: str, count: int, meaning: str) -> Line:
    value = words.say(_FEW) if is_few(count) else Markup(f"{count:,}")  # noqa: S704 - digits
    return Line(words.say(title), value, words.say(meaning))


def _part(words: Words, title: str, count: int, of: int, meaning: str) -> Line:
    """A count of part of another one; not where it would tell that the rest are few."""
    line = _line(words, title, count, meaning)
    return replace(line, value=words.say(_KEPT_BACK)) if is_few(of - count) else line


def _share(told: tuple[int, int, int], words: Words) -> Markup:
    """How many of a hundred were told in time; not where that would give away a count that is kept back."""
    if not any(told):
        return words.say(N_("没有到期的事项"))
    in_time, *_ = told
    found = None if any(map(is_few, told)) else share(in_time, sum(told))
    return words.say(_KEPT_BACK) if found is None else Markup(found)  # noqa: S704 - digits
