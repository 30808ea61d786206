"""The first page in words: how much waits behind each door, and which limits have come near."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from caseq import freshness, quarantine
from caseq.intake.reviewing import Line
from caseq.rules.duties import Duty, Staff
from caseq.runtime import Runtime
from caseq.texting import overseeing
from caseq.web.console import reviewwords
from caseq.web.language import Words

#: (how it looks, what is said), as beside the door.
Tags = Sequence[tuple[str, str]]
_GROUPS: Mapping[str, str] = {
    "overdue": "已经超期",
    "today": "今天到期",
    "soon": "快到期",
    "later": "还有时间",
    "returned": "退回修改中",
}
_STAGES: Mapping[str, str] = {"soon": "快到期", "today": "今天到期", "overdue": "已经超期"}


@dataclass(frozen=True)
class AlertRow:
    """One alert, for the change that it is about."""

    id: int
    stage: str
    said: str
    title: Markup
    case_number: str


def beside(runtime: Runtime, who: Staff, waiting: Sequence[Line]) -> Mapping[Duty, Tags]:
    """How much waits behind the doors of this person's duties."""
    found: dict[Duty, Tags] = {}
    if who.may(Duty.QUEUE):
        found[Duty.QUEUE] = _queue(waiting)
    if who.may(Duty.TASKS):
        tasks, now = overseeing.to_do_of(runtime, who), runtime.clock()
        late = sum(task.due_at is not None and task.due_at <= now for task in tasks)
        found[Duty.TASKS] = _counted((("overdue", late, "超期"), ("later", len(tasks) - late, "要办")))
    if who.may(Duty.QUARANTINE):
        found[Duty.QUARANTINE] = _counted((("overdue", len(quarantine.waiting(runtime)), "没收下"),))
    if who.may(Duty.FRESHNESS):
        board = freshness.board(runtime)
        silent = sum(source.is_silent for source in board.sources)
        stopped = [] if board.worker_is_alive else [("overdue", "发短信的后台停了")]
        found[Duty.FRESHNESS] = [*_counted((("overdue", silent, "个来源太久没有推送"),)), *stopped]
    return found


def alert(line: Line, stage: str, words: Words) -> AlertRow:
    """One alert as it stands on the first page."""
    row = reviewwords.row(line, words)
    return AlertRow(row.id, stage, f"{_STAGES[stage]}，{row.due}", row.title, row.case_number)


def _queue(waiting: Sequence[Line]) -> Tags:
    mine = sum(line.is_mine for line in waiting)
    groups = [(group, sum(line.group == group for line in waiting), text) for group, text in _GROUPS.items()]
    return _counted((("mine", mine, "等您签"), *groups))


def _counted(found: Sequence[tuple[str, int, str]]) -> list[tuple[str, str]]:
    return [(tag, f"{count} {text}") for tag, count, text in found if count]
