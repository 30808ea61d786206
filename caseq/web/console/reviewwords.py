"""A change that waits, in the words of those who decide: how near its due date is, and what each role would see."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from caseq.intake.placing import Reader
from caseq.intake.releasing import Done
from caseq.intake.reviewing import Line, NotDelegated, Queue, Review
from caseq.rules.approval import Decision, Nearness, State, Step
from caseq.rules.case import Kind, Milestone, bureau_date
from caseq.rules.disclosure import CaseView
from caseq.rules.workdays import Day, LimitUnit, Reason, last_day
from caseq.settings import Settings
from caseq.store.releases import Decided, Release
from caseq.web import casepage
from caseq.web.language import Words
from caseq.web.wording import KINDS, MILESTONES, clause_words, role_word

#: What is looked at before agreeing, each ticked by hand.
CHECKS: Mapping[str, str] = {
    "same": "和文书一致，真实、准确",
    "lawful": "依法可以公开，不影响正在进行的侦查、调查",
    "secret": "已做保密审查，没有第三人、未成年人信息",
}
STEPS: Mapping[Step, str] = {
    Step.UNIT_LEADER: "办案单位负责人",
    Step.FIRST_REVIEW: "办公室初审",
    Step.SECRECY_REVIEW: "保密审查",
    Step.BUREAU_LEADER: "局领导",
}
DECISIONS: Mapping[Decision, str] = {
    Decision.AGREED: "同意",
    Decision.RETURNED: "退回修改",
    Decision.WITHHELD: "不公开",
    Decision.UNDONE: "撤回发布",
    Decision.SENT_AGAIN: "重新提交",
}
GOOD = (Done.SIGNED, Done.RELEASED, Done.RETURNED, Done.WITHHELD, Done.SENT_AGAIN, Done.UNDONE)
SAID: Mapping[Done, str] = {
    Done.SIGNED_ALREADY: "这一条您已经签过一次，另一步要由别人签",
    Done.OVERTAKEN: "别人已经先处理了，或者来了新的内容，请再看一遍",
    Done.LOOKS_OTHERWISE: "刚才看的预览已经变了，请再看一遍以后签",
    Done.TOO_LATE: "过了可以撤回的时间，短信可能已经发出；请让办案单位推送更正",
    Done.UNFIT: "请写清理由",
}
#: What is wrong with a decision to withhold.
UNFIT_TO_WITHHOLD = "请选依据，写明到哪天（一年以内）和理由"
#: Where a change stands that nobody signs now.
STANDS: Mapping[State, str] = {
    State.RELEASED: "已经发布。",
    State.SUPERSEDED: "来了更新的内容，这一条不再办。",
    State.WITHDRAWN: "来源已经撤回，这一条不再办。",
}
DELEGATION_FAULTS: Mapping[NotDelegated, str] = {
    NotDelegated.NOBODY: "没有这个警号，或者已经停用",
    NotDelegated.ONESELF: "不能委托给自己",
    NotDelegated.NOT_FIT: "只能委托给有审核职责、看得到这些案件的人（同一单位，或者局里的）",
    NotDelegated.SPAN: "请写清从哪天到哪天，最长三个月",
    NotDelegated.REASON: "请写明原因",
}
_NEAR: Mapping[Nearness, str] = {
    Nearness.OVERDUE: "已经超期",
    Nearness.TODAY: "今天到期",
    Nearness.SOON: "快到期",
    Nearness.LATER: "还有时间",
}
_GROUPS = {**{near.value: text for near, text in _NEAR.items()}, "returned": "退回修改中"}
_REASONS: Mapping[Reason, str] = {
    Reason.WEEKDAY: "工作日",
    Reason.WEEKEND: "周末",
    Reason.PUBLIC_HOLIDAY: "法定节假日",
    Reason.MAKE_UP_DAY: "调休上班",
    Reason.LOCAL_CORRECTION: "按通知",
}


@dataclass(frozen=True)
class Row:
    """One line of the queue."""

    id: int
    case_number: str
    title: Markup
    unit: str
    received: str
    due: str
    near: str
    left: str
    turn: str
    is_mine: bool
    is_urgent: bool
    is_returned: bool
    is_provisional: bool
    until: str


@dataclass(frozen=True)
class Change:
    """What one group of readers would see: added, gone and unchanged lines, and what it never sees.

    `roles` say how many people read so; none: whoever comes into this role later would.
    """

    roles: Markup
    clause: Markup | None
    added: Sequence[str]
    gone: Sequence[str]
    kept: Sequence[str]
    hidden: Sequence[Markup]


@dataclass(frozen=True)
class Page:
    """What templates/console/review.html prints."""

    row: Row
    step: int
    mark: str
    facts: Sequence[str]
    limit: str
    days: Sequence[tuple[str, str]]
    changes: Sequence[Change]
    unchanged: Markup
    signatures: Sequence[tuple[str, str]]
    decided: Sequence[tuple[str, str, str, str]]
    checks: Mapping[str, str]
    grounds: Sequence[tuple[str, str]]
    is_mine: bool
    can_undo: bool
    can_send_again: bool
    undo_minutes: int
    is_last: bool
    today: str
    gone: bool
    stands: str


def row(line: Line, words: Words) -> Row:
    """The change as one line."""
    release = line.release
    turn = release.turn
    return Row(
        id=release.id,
        case_number=release.case_number,
        title=words.say(MILESTONES[release.name]),
        unit=release.unit_name,
        received=moment(release.received_at, words),
        due=_due(release.due_at, words),
        near=line.near.value,
        left=_left(line),
        turn=STEPS[turn] if turn is not None else "",
        is_mine=line.is_mine,
        is_urgent=release.urgent,
        is_returned=release.state is State.RETURNED,
        is_provisional=release.due_provisional,
        until=words.day(release.withheld_until) if release.withheld_until else "",
    )


def counts(queue: Queue) -> Sequence[tuple[str, str, int]]:
    """The groups of the queue, each with its name, and how many are in it; all of them last."""
    found = Counter(line.group for line in queue.waiting)
    groups = [(key, text, found[key]) for key, text in _GROUPS.items()]
    return [*groups, ("", "全部", len(queue.waiting))]


def page(review: Review, settings: Settings, words: Words, now: datetime) -> Page:
    """The whole page of one change."""
    release, line = review.release, Line(review.release, review.near, review.days, review.is_mine)
    readers = review.preview.readers if review.preview else ()

    def lines(view: CaseView | None) -> list[str]:
        return _lines(view, settings, words, now)

    changed = [one for one in readers if lines(one.before) != lines(one.after)]
    same = [role_word(release.kind, one.role) for one in readers if one not in changed]
    return Page(
        row=row(line, words),
        step=release.step,
        mark=review.preview.mark if review.preview else "",
        facts=_facts(review, words),
        limit=_limit(review),
        days=[_day(step.number, step.day, words) for step in review.due.due.steps],
        changes=_together([_change(one, release.kind, settings, words, now) for one in changed], words),
        unchanged=words.listed([words.say(word) for word in dict.fromkeys(same)]),
        signatures=[(STEPS[step], _signed(n, release)) for n, step in enumerate(release.chain)],
        decided=[_decided(one, settings, words) for one in review.decided],
        checks=CHECKS,
        grounds=[(one.key, f"{one.text}（{one.clause}）") for one in settings.approval.grounds],
        is_mine=review.is_mine,
        can_undo=review.can_undo,
        can_send_again=review.can_send_again,
        undo_minutes=int(settings.approval.undo.total_seconds() // 60),
        is_last=release.step + 1 == len(release.chain),
        today=bureau_date(now).isoformat(),
        gone=review.preview is None and review.is_open,
        stands=_stands(review, settings, words),
    )


def moment(at: datetime, words: Words) -> str:
    """The day and the time at the bureau."""
    return f"{words.day(at)} {words.clock(at)}"


def _due(due_at: datetime | None, words: Words) -> str:
    """The last day or, where hours are counted, the last minute."""
    if due_at is None:
        return ""
    last = last_day(due_at)
    return words.day(last) if last != bureau_date(due_at) else moment(due_at, words)


def _left(line: Line) -> str:
    """How near the end is, in working days where that says more."""
    if line.near is Nearness.OVERDUE and line.days:
        return f"超期 {line.days} 个工作日"
    if line.near in (Nearness.SOON, Nearness.LATER) and line.days:
        return f"还有 {line.days} 个工作日"
    return _NEAR[line.near]


def _limit(review: Review) -> str:
    unit = {LimitUnit.HOURS: "小时", LimitUnit.CALENDAR_DAYS: "日", LimitUnit.WORKING_DAYS: "个工作日"}
    limit = review.due.limit
    return f"{limit.amount} {unit[limit.unit]}（{limit.clause}）"


def _day(number: int | None, day: Day, words: Words) -> tuple[str, str]:
    counted = "形成当天，不算" if number == 0 else f"第 {number} 天" if number else "不算"
    assumed = "" if day.is_known else "，暂定：还没有公布放假安排"
    return f"{words.long_day(day.on)}", f"{counted}（{_REASONS[day.reason]}{assumed}）"


def _facts(review: Review, words: Words) -> Sequence[str]:
    """What the source says of it."""
    record = review.event.record
    assert isinstance(record, Milestone)
    said = [f"案件类型：{words.say(KINDS[Kind(review.release.kind)])}"]
    if record.document_number:
        said.append(f"文号：{record.document_number}")
    if record.occurred_on:
        said.append(f"日期：{words.long_day(record.occurred_on)}")
    said.append(f"信息形成：{moment(review.event.time, words)}")
    if record.hold:
        until = words.day(record.hold.until) if record.hold.until else "另行通知"
        said.append(f"来源系统要求先不显示，到 {until}：{record.hold.reason}")
    if record.tell_first:
        said.append("来源系统要求民警先当面告知")
    return said


def _change(reader: Reader, kind: str, settings: Settings, words: Words, now: datetime) -> Change:
    before, after = (_lines(view, settings, words, now) for view in (reader.before, reader.after))
    view = reader.after or reader.before
    built = None if view is None else _built(view, settings, words, now)
    clauses = {one.clause for one in view.milestones} if view else set()
    return Change(
        roles=words.say(role_word(kind, reader.role))
        + (f"（{reader.people} 位）" if reader.people else "（现在没有）"),
        clause=words.listed([clause_words(clause, words) for clause in sorted(clauses)]) if clauses else None,
        added=_besides(after, before),
        gone=_besides(before, after),
        kept=_besides(after, _besides(after, before)),
        hidden=[what for what, _ in built.hidden] if built else [],
    )


def _besides(lines: Sequence[str], others: Iterable[str]) -> list[str]:
    """The lines without the others, each of which takes one away: what stands twice is twice."""
    left = Counter(others)
    besides = []
    for line in reversed(lines):  # the newest entry is on top: of two that read alike the upper one is new
        left[line] -= 1
        if left[line] < 0:
            besides.append(line)
    return besides[::-1]


def _together(changes: Sequence[Change], words: Words) -> Sequence[Change]:
    """Each change once, for all the roles that it is the same for."""
    same: dict[str, list[Change]] = {}
    for change in changes:
        same.setdefault(repr(replace(change, roles=Markup())), []).append(change)
    return [replace(group[0], roles=words.listed([one.roles for one in group])) for group in same.values()]


def _lines(view: CaseView | None, settings: Settings, words: Words, now: datetime) -> list[str]:
    """What stands on the page of this view, line by line."""
    if view is None:
        return []
    built = _built(view, settings, words, now)
    lines = [f"标题：{built.headline.striptags()}"]
    for entry in built.entries:
        lines.append(f"记录：{entry.day} {entry.title.striptags()}")
        if entry.document_number:
            lines.append(f"文号：{entry.document_number.striptags()}")
        lines += [f"{name.striptags()}：{value.striptags()}" for name, value in entry.facts]
    return lines


def _built(view: CaseView, settings: Settings, words: Words, now: datetime) -> casepage.CasePage:
    grant = settings.policy.grant(view.kind, view.role)
    return casepage.build(view, grant, settings.bureau, words, bureau_date(now))


def _signed(n: int, release: Release) -> str:
    if release.state in STANDS and n >= release.step:
        return "没有签"
    return "已签" if n < release.step else "轮到" if n == release.step else "还没轮到"


def _stands(review: Review, settings: Settings, words: Words) -> str:
    """What became of a change that nobody signs now; empty for one that waits."""
    release = review.release
    if release.state is State.WITHHELD and release.withheld_until and not review.is_open:
        ground = settings.approval.ground(release.ground or "")
        return f"按依据不公开，到 {words.day(release.withheld_until)}{'：' + ground.text if ground else ''}。"
    return STANDS.get(release.state, "")


def _decided(one: Decided, settings: Settings, words: Words) -> tuple[str, str, str, str]:
    who = f"{one.name}（{one.badge}）" + (f"代 {one.for_name}" if one.for_name else "")
    key, _, why = (one.reason or "").partition(": ")
    ground = settings.approval.ground(key) if one.decision is Decision.WITHHELD else None
    return moment(one.at, words), who, DECISIONS[one.decision], f"{ground.text}：{why}" if ground else one.reason or ""
