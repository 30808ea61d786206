"""The boards in the words of those who work through them: how late, what is wrong with a field, where to mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from caseq.freshness import Board, Freshness
from caseq.rules.case import Kind as CaseKind
from caseq.settings import Source
from caseq.store.pushes import Quarantined
from caseq.store.tasks import Kind, Task
from caseq.store.tellings import By
from caseq.web.language import Words, words
from caseq.web.wording import KINDS, role_word

#: How somebody was told, at the console; on paper it is recorded with the notice.
CHANNELS: Mapping[By, str] = {By.IN_PERSON: "当面", By.TELEPHONE: "电话", By.PAPER: "书面"}
#: A notice by hand that did not arrive.
_NOT_DELIVERED = ("换个方式告知", "告知文书没有送到，或者电话里没有说成。请到“文书告知”换个方式再告知")
_TASKS: Mapping[Kind, tuple[str, str]] = {
    Kind.CALL: ("打电话", "短信发不到这个人，请打电话问清现在的号码，更正以后再告知"),
    Kind.TELL: ("先当面告知", "要由民警告知本人，告知以前系统不发短信"),
    Kind.LOOK: ("查一条短信", "机器查不清这条短信发到没有，请看一下，必要时打电话"),
}
#: What a check of a pushed event says, as administrators read it; the first text that is found in it counts.
_SAID: Sequence[tuple[str, str]] = (
    ("Missing data", "少了这一项"),
    ("Unknown field", "多了这一项，系统不认识"),
    ("may not be null", "这一项不能空"),
    ("Must be one of", "值不在规定的词里"),
    ("must be a date", "日期的写法不对"),
    ("must be a time", "时间的写法不对"),
    ("Longer than", "太长"),
    ("Shorter than", "空的或者太短"),
    ("Length must be", "长度不对"),
    ("control characters", "有看不见的控制字符"),
    ("white space", "开头或者结尾有空格"),
    ("Not a valid", "类型不对"),
    ("another source", "这个案件现在归另一个来源"),
    ("which is another case", "和另一个案件的编号看起来一样"),
)
#: Where in the mapping file a field comes from, by its beginning; the first that fits counts.
_HINTS: Sequence[tuple[str, str]] = (
    ("data.unit", "[case] 里的 unit"),
    ("data.details", "对应那一条 [[milestones]] 里的 details"),
    ("data.name", "[[milestones]] 或 [[parties]] 里的 name 和 codes"),
    ("data.role", "[[parties]] 里的 role 和 codes"),
    ("data.kind", "[case] 里的 kind 和 codes"),
    ("data.state", "[case] 里的 state 和 codes"),
    ("data.phone", "[[parties]] 里的 phone"),
    ("data.party", "[[parties]] 里的 key"),
    ("data.milestone", "[[milestones]] 里的 key"),
    ("data.", "推送内容里的同名一项；列名和取值在映射文件的 [case]、[[milestones]]、[[parties]]"),
    ("subject", "[case] 里的 number；还要看这个编号有没有别的案件在用"),
    ("source", "[push.sources] 里的来源名称"),
    ("time", "[tables] 里变更时间的列，和 [source] 里的 utc"),
    ("", "映射文件整体；推送的写法见 docs/push.md"),
)
_TYPES: Mapping[type, str] = {str: "文字", bool: "是或否", int: "数", float: "数", type(None): "空"}
#: So deep what came is shown; nothing that is right goes deeper.
_DEEPEST = 5


@dataclass(frozen=True)
class TaskRow:
    """One thing to do; `left` says in words how late it is."""

    id: int
    what: str
    how: str
    left: str
    is_late: bool
    case_number: str
    unit: str
    role: Markup | str
    milestone: str
    is_telling: bool
    made: datetime


@dataclass(frozen=True)
class RefusedRow:
    """One refused event: what is wrong, where to mend it, and what came without any value."""

    id: int
    source: str
    kinds: str
    received_at: datetime
    event_id: str
    faults: Sequence[tuple[str, str, str]]
    shape: Sequence[str]


@dataclass(frozen=True)
class SourceRow:
    """One source; `tag` is how it looks, `said` what it is."""

    source: str
    kinds: str
    tag: str
    said: str
    last: datetime | None
    usual: str
    files: str
    parked: int
    refused: int


def task(found: Task, words: Words, now: datetime) -> TaskRow:
    """One task as its line says it."""
    by_hand = found.kind is Kind.CALL and found.reason.startswith("delivery:")
    what, how = _NOT_DELIVERED if by_hand else _TASKS[found.kind]
    return TaskRow(
        id=found.id,
        what=what,
        how=how,
        left=_left(found.due_at, now),
        is_late=found.due_at is not None and found.due_at <= now,
        case_number=found.case_number or "",
        unit=found.unit_name or "",
        role=words.say(role_word("", found.role)) if found.role else "",
        milestone=found.milestone or "",
        is_telling=found.kind is Kind.TELL,
        made=found.made_at,
    )


def kinds_of(sources: Mapping[str, Source]) -> Mapping[str, str]:
    """What each source may push, in words: its own name is a key of the configuration."""
    say = words("zh").say
    return {name: "、".join(say(KINDS[kind]) for kind in CaseKind if kind in of.kinds) for name, of in sources.items()}


def refused(item: Quarantined, kinds: Mapping[str, str]) -> RefusedRow:
    """One refused event without a single value of it."""
    faults = [(_masked(field), "；".join(map(_said, reasons)), _hint(field)) for field, reasons in item.errors.items()]
    of = kinds.get(item.source, "")
    return RefusedRow(item.id, item.source, of, item.received_at, item.event_id or "", faults, _shape(item.raw))


def freshness(board: Board, now: datetime, kinds: Mapping[str, str]) -> Mapping[str, object]:
    """What templates/console/freshness.html prints."""
    rows = [_source(one, now, kinds.get(one.source, "")) for one in board.sources]
    return {"rows": rows, "worker_seen_at": board.worker_seen_at, "worker_is_alive": board.worker_is_alive}


def span(length: timedelta) -> str:
    """A length of time in the largest unit that it fills."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 1)} 分钟"
    return f"{minutes // 60} 小时" if minutes < 48 * 60 else f"{minutes // (24 * 60)} 天"


def _left(due_at: datetime | None, now: datetime) -> str:
    if due_at is None:
        return "尽快"
    return f"超期 {span(now - due_at)}" if due_at <= now else f"还有 {span(due_at - now)}"


def _said(reason: str) -> str:
    return next((said for part, said in _SAID if part in reason), "内容不对")


def _hint(field: str) -> str:
    return next(hint for beginning, hint in _HINTS if field.startswith(beginning))


def _shape(raw: Any, path: str = "", depth: int = 0) -> list[str]:
    """Which keys came, with the types of their values; keys that nobody can know (a name as a key) are masked too."""
    if isinstance(raw, dict) and depth < _DEEPEST:
        return [line for key, value in raw.items() for line in _shape(value, _joined(path, key), depth + 1)]
    if isinstance(raw, list) and raw and depth < _DEEPEST:
        return _shape(raw[0], f"{path}[{len(raw)}]", depth + 1)
    return [f"{path or '整个内容'}：{_TYPES.get(type(raw), '一组')}"]


def _joined(path: str, key: str) -> str:
    return f"{path}.{_masked_key(key)}" if path else _masked_key(key)


def _masked(field: str) -> str:
    """The dotted name of a field, each part as `_masked_key` tells it; places in a list stay."""
    return ".".join(part if part.isdecimal() and len(part) < 4 else _masked_key(part) for part in field.split("."))


def _masked_key(key: str) -> str:
    """A key that looks like ours; of any other its length only, because somebody may have put a name there."""
    is_plain = key.isascii() and key.replace("_", "").isalpha() and len(key) <= 30
    return key if is_plain else f"（{len(key)} 个字的键）"


def _source(one: Freshness, now: datetime, kinds: str) -> SourceRow:
    if one.last_push_at is None:
        tag, said = "soon", "从来没有推送过"
    elif one.is_silent:
        tag, said = "overdue", f"太久没有推送：{span(now - one.last_push_at)}"
    else:
        tag, said = "later", f"正常，{span(now - one.last_push_at)}前推送过"
    return SourceRow(
        source=one.source,
        kinds=kinds,
        tag=tag,
        said=f"{said}（影子运行）" if one.in_shadow else said,
        last=one.last_push_at,
        usual="还没有学到" if one.usual_seconds is None else span(timedelta(seconds=one.usual_seconds)),
        files="不用文件"
        if one.files_missing is None
        else f"缺 {one.files_missing} 份"
        if one.files_missing
        else "不缺",
        parked=one.parked,
        refused=one.refused,
    )
