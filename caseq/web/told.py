"""A proof of notice in the words of people: the lines of the page, of the sheet and of the table are the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from caseq.rules.disclosure import MilestoneView
from caseq.rules.notice import Channel, Message, Notice, Receipt, Silence, Verdict
from caseq.rules.replay import Opening
from caseq.rules.workdays import LimitUnit
from caseq.web.language import N_, Words
from caseq.web.wording import clause_words, title

RESULTS: Mapping[Verdict, str] = {
    Verdict.IN_TIME: N_("按期告知"),
    Verdict.LATE: N_("过期告知"),
    Verdict.OPEN: N_("还没有告知，期限没有到"),
    Verdict.OVERDUE: N_("还没有告知，期限已经过了"),
    Verdict.GONE: N_("期限没有到就改了或者撤了，没有告知"),
}
CHANNELS: Mapping[Channel, str] = {
    Channel.SMS: N_("短信"),
    Channel.IN_PERSON: N_("当面"),
    Channel.TELEPHONE: N_("电话"),
    Channel.PAPER: N_("书面"),
    Channel.PAGE: N_("网页"),
}
_LIMITS: Mapping[LimitUnit, str] = {
    LimitUnit.HOURS: N_("%(amount)s 小时"),
    LimitUnit.CALENDAR_DAYS: N_("%(amount)s 日"),
    LimitUnit.WORKING_DAYS: N_("%(amount)s 个工作日"),
}
_BEGINS: Mapping[Opening, str] = {
    Opening.PARTY: N_("期限从可以告知这一方的时候算：%(at)s"),
    Opening.CASE: N_("期限从案件可以公开的时候算：%(at)s"),
    Opening.DAY: N_("期限从可以公开的那天算：%(at)s"),
}
_STAFF: Mapping[Channel, str] = {
    Channel.IN_PERSON: N_("当面告知：%(at)s"),
    Channel.TELEPHONE: N_("电话告知：%(at)s"),
    Channel.PAPER: N_("书面告知：%(at)s"),
}
_RECEIPTS: Mapping[Receipt, str] = {
    Receipt.NONE: N_("短信：%(at)s 交给运营商，没有收到送达回执"),
    Receipt.DELIVERED: N_("短信：%(at)s 交给运营商，%(heard)s 收到送达回执"),
    Receipt.FAILED: N_("短信：%(at)s 交给运营商，%(heard)s 得知没有送到"),
}
SILENCES: Mapping[Silence, str] = {
    Silence.NO_NUMBER: N_("没有发短信：没有可用的手机号"),
    Silence.NOT_WANTED: N_("没有发短信：不要短信"),
    Silence.HISTORY: N_("没有发短信：传到这里的时候已经是旧内容"),
    Silence.BY_DAY: N_("没有发短信：到日子自动公开"),
    Silence.NONE_MADE: N_("没有发短信"),
}
#: Why a message waits or did not go out, by the reason that the outbox notes; what is not here is a provider's code.
REASONS: Mapping[str, str] = {
    "not wanted": N_("不要短信"),
    "no number that may be sent to": N_("没有可用的手机号"),
    "number takes no messages": N_("这个号码收不到短信"),
    "contact broken": N_("登记的联系方式有问题"),
    "may not enter": N_("当时不能查询"),
    "nothing new to see": N_("没有新内容可看"),
    "told in person": N_("民警已经告知"),
    "staff tell it": N_("由民警告知"),
    "only on the page": N_("只在网上公开"),
    "told in person first": N_("民警先告知"),
    "correction delay": N_("等着更正"),
    "release can be undone": N_("刚公开，还可以更正"),
    "quiet hours": N_("夜间不发"),
    "held by staff": N_("民警让它等"),
}
_WAITS, _UNDER_WAY, _NOT_OUT = N_("短信等到 %(until)s：%(reason)s"), N_("短信正在发"), N_("短信没有发出：%(reason)s")
_WAITS_FOR_STAFF = N_("短信等着民警放行")
_SEEN = N_("网页上第一次看到：%(at)s")
_NOTHING = N_("没有说明")
#: What only the bureau reads of a message.
_SENT_BY = N_("模板 %(template)s 第 %(version)s 版，通道 %(gateway)s，回执号 %(receipt)s")


@dataclass(frozen=True)
class Line:
    """One line, ready to be printed; `is_bad`: somebody was told too late or not at all."""

    n: int
    title: Markup
    day: str
    number: Markup | None
    formed: str
    limit: Markup
    notes: tuple[Markup, ...]
    released: str
    until: str
    ways: tuple[Markup, ...]
    result: Markup
    first: Markup
    is_bad: bool


def plain(line: Line) -> Mapping[str, Any]:
    """The line without any markup, for what is no page."""

    def text(value: object) -> object:
        if isinstance(value, tuple):
            return [text(one) for one in value]
        return value.striptags() if isinstance(value, Markup) else value

    return {name: text(getattr(line, name)) for name in Line.__dataclass_fields__}


def line(n: int, notice: Notice, words: Words, for_bureau: bool = False) -> Line:
    """This line of a proof; `for_bureau` with what only staff may read."""
    showing = notice.showing
    number = showing.fields.get("document_number")
    return Line(
        n=n,
        title=title(MilestoneView(showing.name, showing.fields, showing.since, ""), words),
        day=words.day(str(showing.fields.get("occurred_on") or "")),
        number=words.quoted(number) if number else None,
        formed=at(showing.formed_at, words),
        limit=_limit(notice, words),
        notes=tuple(_notes(notice, words)),
        released=at(showing.since, words),
        until=at(showing.until, words) if showing.until else "",
        ways=tuple(_ways(notice, words, for_bureau)),
        result=words.say(RESULTS[notice.verdict]),
        first=_first(notice, words),
        is_bad=notice.verdict in (Verdict.LATE, Verdict.OVERDUE),
    )


def at(moment: datetime, words: Words) -> str:
    """The day and the time at the bureau."""
    return f"{words.day(moment)} {words.clock(moment)}"


def _limit(notice: Notice, words: Words) -> Markup:
    limit, due = notice.limit, notice.due
    span = words.say(_LIMITS[limit.unit], amount=limit.amount)
    last = at(due.at, words) if limit.unit is LimitUnit.HOURS else words.day(due.on)
    text = N_("最晚 %(day)s（%(span)s，%(clause)s）")
    return words.say(text, day=last, span=span, clause=clause_words(limit.clause, words))


def _first(notice: Notice, words: Words) -> Markup:
    """By what the person was told first."""
    if (told := notice.first) is None:
        return Markup()
    return words.say(N_("最早：%(channel)s，%(at)s"), channel=words.say(CHANNELS[told.channel]), at=at(told.at, words))


def _notes(notice: Notice, words: Words) -> Iterator[Markup]:
    """What one has to know of the limit and of the line."""
    showing = notice.showing
    if notice.due.is_provisional:
        yield words.say(N_("这一天是暂定的：国务院还没有公布那一年的节假日安排"))
    if showing.opened_by in _BEGINS and showing.begins_at != showing.formed_at:
        yield words.say(_BEGINS[showing.opened_by], at=at(showing.begins_at, words))
    if showing.replaces is not None:
        yield words.say(N_("代替第 %(n)s 条"), n=showing.replaces + 1)
    if showing.until is not None:
        yield words.say(N_("%(at)s 以后不再这样显示"), at=at(showing.until, words))


def _ways(notice: Notice, words: Words, for_bureau: bool) -> Iterator[Markup]:
    for message in notice.messages:
        yield from _message(message, words, for_bureau)
    if notice.silence is not None:
        yield words.say(SILENCES[notice.silence])
    for told in notice.by_staff:
        said = words.say(_STAFF[told.channel], at=at(told.told_at, words))
        yield words.say(N_("%(said)s（%(who)s）"), said=said, who=words.quoted(told.by)) if for_bureau else said
    if notice.seen_at is not None:
        yield words.say(_SEEN, at=at(notice.seen_at, words))


def _message(message: Message, words: Words, for_bureau: bool) -> Iterator[Markup]:
    for call in message.calls:
        heard = at(call.heard_at, words) if call.heard_at else ""
        yield words.say(_RECEIPTS[call.receipt], at=at(call.handed_at, words), heard=heard)
        if for_bureau:
            named = {"template": message.template, "version": message.version, "receipt": call.receipt_id}
            yield words.say(_SENT_BY, gateway=call.gateway, **named)
    if message.calls and message.together:
        yield words.say(N_("和别的新内容在同一条短信里"))
    if not message.calls or message.state not in ("sent", "delivered", "failed"):
        yield _not_out(message, words)


def _not_out(message: Message, words: Words) -> Markup:
    """What became of a message that no provider took, or that is to be sent again."""
    if message.state in ("claimed", "unknown"):
        return words.say(_UNDER_WAY)
    if message.waits_until is not None and message.reason is None:
        return words.say(N_("短信等到 %(until)s"), until=at(message.waits_until, words))
    reason = _reason(message.reason, words)
    if message.waits_until is not None:
        return words.say(_WAITS, until=at(message.waits_until, words), reason=reason)
    is_held = message.state == "held"
    return words.say(_WAITS_FOR_STAFF) if is_held else words.say(_NOT_OUT, reason=reason)


def _reason(reason: str | None, words: Words) -> Markup:
    if reason is None:
        return words.say(_NOTHING)
    return words.say(REASONS[reason]) if reason in REASONS else words.quoted(reason)
