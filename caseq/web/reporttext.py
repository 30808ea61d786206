"""The yearly report as words and numbers: its tables, what each of them counts, and what is drawn of them. In Chinese
only, for the bureau."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from caseq.rules.annual import Annual, Figure, Status, share
from caseq.rules.approval import Ground
from caseq.rules.case import MilestoneName
from caseq.web.language import words
from caseq.web.wording import KINDS, MILESTONES, ROLES, role_word

Cell = str | int
TITLE = "案件查询与告知年度报告"


@dataclass(frozen=True)
class Table:
    """One table of the report; `rows_of` names the figure whose rows it counts. `drawn` are the columns of the chart:
    the first row of words is what each bar is called by; none is drawn without."""

    name: str
    title: str
    definition: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    rows_of: str
    drawn: tuple[str, ...] = ()


_STANDS: Mapping[str, str] = {
    Status.IN_TIME: "按时",
    Status.LATE: "超期",
    Status.OPEN: "未到期",
    Status.OVERDUE: "到期未办",
}
_CHANNELS = {"web": "网页", "api": "程序接口", "phone": "电话（民警代查）", "unknown": "没有记下"}
_WAYS = {"sms": "短信验证码", "paper": "纸质查询码", "app": "认证器", "unknown": "没有记下"}
_TOLD_BY = {"in person": "当面", "telephone": "电话", "paper": "书面"}
_PURPOSES = {"code": "验证码", "news": "进展提醒", "device": "新设备登录提醒", "number": "换号提醒"}
_ENDS: Mapping[str, tuple[str, ...]] = {
    "已送达": ("delivered",),
    "已交运营商": ("sent",),
    "失败": ("failed",),
    "转人工": ("needs_human",),
    "合并": ("merged",),
    "不再发送": ("dropped",),
    "还在办": ("queued", "held", "claimed", "unknown"),
}
_TASKS = {
    "call": "打电话",
    "tell": "先当面告知",
    "look": "查看短信",
    "reading": "不寻常的查看",
    "answer": "答复投诉",
    "supervise": "答复二次投诉",
    "delivery": "没有送到的告知书",
}
_SCORES = {5: "很满意", 4: "满意", 3: "一般", 2: "不满意", 1: "很不满意"}
_ABOUT = {
    "late": "告知不及时",
    "wrong": "内容不对",
    "cannot_see": "看不到该看的",
    "conduct": "民警的态度、做法",
    "other": "其他",
}
_LEVELS = {"first": "办案单位", "second": "又找了上级"}
_VIEWS = "审计日志中动作为“查看案件”（view）或者“电话代查”（phone_view）、时间在本年的每一行。"
_TOLD = (
    "期限届满的时间在本年的每一项。按时、超期：没有撤回的事项（milestones），最近一次公开的时间早于、不早于期限届满；"
    "未到期、到期未办：还在等待同意或者被退回的事项（releases），制作时期限未满、已满。"
    "首次接入时一次导入的历史事项没有期限，不计；复议、赔偿、信访、行政管理没有网上查询，不计，见当面、电话、书面告知。"
    "按时率＝按时÷（按时＋超期＋到期未办）。"
)


def tables(annual: Annual, grounds: Sequence[Ground]) -> Sequence[Table]:
    """All tables of the report, the totals first; `grounds` are those on which a change may be withheld."""
    found = [make(annual) for make in _MAKERS]
    return [_overview(annual), *found, _withheld(annual, grounds)]


def stand(annual: Annual) -> str:
    """Of what time the report is, and how things stood when it was made."""
    said, at = words("zh"), annual.made_at
    return f"{annual.span.year}年，北京时间1月1日零时至12月31日24时；制作于{said.day(at)} {said.clock(at)}。"


def _overview(annual: Annual) -> Table:
    told, messages = annual.figures["told"], annual.figures["messages"]
    rows: list[tuple[Cell, ...]] = [
        ("查询（次）", annual.figures["views"].total()),
        ("登录（次）", annual.figures["logins"].total()),
        *((f"告知：{said}（项）", told.total(status=status)) for status, said in _STANDS.items()),
        ("不予公开（件次）", annual.figures["withheld"].total()),
        *((f"短信：{said}（条）", sum(messages.total(state=one) for one in states)) for said, states in _ENDS.items()),
        ("当面、电话、书面告知（次）", annual.figures["tellings"].total()),
        ("人工事项（件）", annual.figures["tasks"].total()),
        ("评价（次）", annual.figures["ratings"].total()),
        ("投诉（件）", annual.figures["complaints"].total()),
    ]
    return Table("overview", "总数", "后面各表的合计，定义见各表。", ("项目", "数"), rows, "")


def _views_by_month(annual: Annual) -> Table:
    return Table(
        "views_by_month",
        "查询：按月",
        f"{_VIEWS}按时间所在的月份。",
        ("月份", "次数"),
        _months(annual.figures["views"]),
        "views",
        ("次数",),
    )


def _views_by_role(annual: Annual) -> Table:
    counted = annual.figures["views"].by("kind", "role")
    rows = [(_kind(kind), _role(kind, role), count) for (kind, role), count in counted.items()]
    return Table(
        "views_by_role",
        "查询：按案件种类和身份",
        f"{_VIEWS}身份是查看的一方在案件中登记的身份。",
        ("案件种类", "身份", "次数"),
        rows,
        "views",
    )


def _views_by_channel(annual: Annual) -> Table:
    return Table(
        "views_by_channel",
        "查询：按渠道",
        f"{_VIEWS}渠道是这次查看之前最近一次登录所用的渠道；电话代查的算电话。",
        ("渠道", "次数", "占比"),
        _shares(annual.figures["views"], "channel", _CHANNELS),
        "views",
        ("次数",),
    )


def _logins_by_way(annual: Annual) -> Table:
    return Table(
        "logins_by_way",
        "登录：按方式",
        "审计日志中动作为“登录”（login）、时间在本年的每一行。",
        ("方式", "次数", "占比"),
        _shares(annual.figures["logins"], "way", _WAYS),
        "logins",
        ("次数",),
    )


def _told_by_unit(annual: Annual) -> Table:
    rows = _stands(annual.figures["told"], ("unit",), lambda keys: (annual.units.get(str(keys[0]), str(keys[0])),))
    return Table(
        "told_by_unit",
        "告知是否按时：按办案单位",
        _TOLD,
        ("办案单位", *_STANDS.values(), "按时率"),
        rows,
        "told",
        tuple(_STANDS.values()),
    )


def _told_by_kind(annual: Annual) -> Table:
    rows = _stands(annual.figures["told"], ("kind", "name"), lambda keys: (_kind(keys[0]), _milestone(keys[1])))
    columns = ("案件种类", "事项", *_STANDS.values(), "按时率")
    return Table("told_by_kind", "告知是否按时：按案件种类和事项", _TOLD, columns, rows, "told")


def _messages_by_purpose(annual: Annual) -> Table:
    counted = annual.figures["messages"]
    rows: list[tuple[Cell, ...]] = [
        (said, counted.total(purpose=purpose), *_ended(counted, purpose=purpose)) for purpose, said in _PURPOSES.items()
    ]
    return Table(
        "messages_by_purpose",
        "短信：按用途和结果",
        "发件箱（outbox）中本年产生的每一行，一项变化通知一方算一条。“已交运营商”是还没有送达回执的；"
        "“合并”是和别的变化并在一条短信里的；“不再发送”是发送前已经没有必要的。",
        ("用途", "合计", *_ENDS),
        rows,
        "messages",
    )


def _messages_by_month(annual: Annual) -> Table:
    return Table(
        "messages_by_month",
        "短信：按月",
        "发件箱（outbox）中本年产生的每一行，按产生的月份。",
        ("月份", "条数"),
        _months(annual.figures["messages"]),
        "messages",
        ("条数",),
    )


def _tellings(annual: Annual) -> Table:
    rows = _shares(annual.figures["tellings"], "channel", _TOLD_BY)
    definition = "告知记录（tellings）中告知时间在本年的每一行。"
    return Table("tellings", "当面、电话、书面告知", definition, ("方式", "次数", "占比"), rows, "tellings")


def _tasks(annual: Annual) -> Table:
    rows = _stands(annual.figures["tasks"], ("kind",), lambda keys: (_TASKS.get(str(keys[0]), str(keys[0])),))
    return Table(
        "tasks",
        "人工事项",
        "人工事项（tasks）中本年产生的每一行。按时：在期限之前办完，或者办完而没有期限；到期未办：制作时期限已满、没有办完。",
        ("种类", *_STANDS.values(), "按时率"),
        rows,
        "tasks",
        tuple(_STANDS.values()),
    )


def _ratings(annual: Annual) -> Table:
    counted = annual.figures["ratings"].by("unit", "score")
    units = sorted({str(unit) for unit, _ in counted})
    rows: list[tuple[Cell, ...]] = [
        (annual.units.get(unit, "没有记下"), *(counted.get((unit, score), 0) for score in _SCORES)) for unit in units
    ]
    return Table(
        "ratings",
        "评价：按办案单位",
        "评价（ratings）中本年的每一行；一方一个月只算最后一次。",
        ("办案单位", *_SCORES.values()),
        rows,
        "ratings",
    )


def _complaints(annual: Annual) -> Table:
    def called(keys: tuple[object, ...]) -> tuple[str, ...]:
        return _ABOUT.get(str(keys[0]), str(keys[0])), _LEVELS[str(keys[1])]

    return Table(
        "complaints",
        "投诉：按内容，办案单位是否按时答复",
        "投诉（complaints）中本年收到的每一行。按时、超期：办案单位答复的时间早于、不早于期限；到期未办：制作时期限已满、没有答复。",
        ("内容", "找到哪一级", *_STANDS.values(), "按时率"),
        _stands(annual.figures["complaints"], ("about", "level"), called),
        "complaints",
    )


def _withheld(annual: Annual, grounds: Sequence[Ground]) -> Table:
    known = {ground.key: (ground.text, ground.clause) for ground in grounds}
    counted = annual.figures["withheld"].by("ground", "unit")
    rows = [
        (*known.get(str(ground), ("理由已不在目录中", "")), annual.units.get(str(unit), str(unit)), count)
        for (ground, unit), count in counted.items()
    ]
    return Table(
        "withheld",
        "不予公开：按依据和办案单位",
        "审批记录（decisions）中决定为“不予公开”（withheld）、时间在本年的每一行；同一事项决定几次算几次。",
        ("理由", "依据", "办案单位", "件次"),
        rows,
        "withheld",
    )


_MAKERS: Sequence[Callable[[Annual], Table]] = (
    _views_by_month,
    _views_by_role,
    _views_by_channel,
    _logins_by_way,
    _told_by_unit,
    _told_by_kind,
    _messages_by_purpose,
    _messages_by_month,
    _tellings,
    _tasks,
    _ratings,
    _complaints,
)


def _months(figure: Figure) -> list[tuple[Cell, ...]]:
    counted = figure.by("month")
    return [(f"{month}月", counted.get((month,), 0)) for month in range(1, 13)]


def _shares(figure: Figure, dimension: str, called: Mapping[str, str]) -> list[tuple[Cell, ...]]:
    """A row for everything that has a name, and for what else occurs."""
    counted, total = {str(key): count for (key,), count in figure.by(dimension).items()}, figure.total()
    keys = [*called, *(key for key in counted if key not in called)]
    shown = [key for key in keys if key != "unknown" or key in counted]
    return [(called.get(key, key), counted.get(key, 0), share(counted.get(key, 0), total) or "—") for key in shown]


def _stands(
    figure: Figure, dimensions: tuple[str, ...], called: Callable[[tuple[object, ...]], tuple[str, ...]]
) -> list[tuple[Cell, ...]]:
    """A row for each of these keys: its name, how many stand how, and the share of those in time."""
    counted = figure.by(*dimensions, "status")
    rows: list[tuple[Cell, ...]] = []
    for keys in figure.by(*dimensions):
        by = {status: counted.get((*keys, status.value), 0) for status in Status}
        ended = sum(by.values()) - by[Status.OPEN]
        rows.append((*called(keys), *by.values(), share(by[Status.IN_TIME], ended) or "—"))
    return rows


def _ended(figure: Figure, **only: object) -> list[int]:
    return [sum(figure.total(state=state, **only) for state in states) for states in _ENDS.values()]


def _kind(kind: object) -> str:
    return str(words("zh").say(KINDS[str(kind)])) if str(kind) in KINDS else "没有记下"


def _role(kind: object, role: object) -> str:
    return str(words("zh").say(role_word(str(kind), str(role)))) if str(role) in ROLES else "没有记下"


def _milestone(name: object) -> str:
    return str(words("zh").say(MILESTONES[MilestoneName(str(name))])) if str(name) in MILESTONES else str(name)
