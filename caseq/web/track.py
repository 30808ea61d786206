"""The track "how far is it": what is done, where the case is now, what may come. Rebuilt from the view each time,
so when something is withdrawn its tick vanishes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from caseq.rules.case import MilestoneName
from caseq.rules.disclosure import CaseView, Grant, MilestoneView
from caseq.web.language import N_, Words, as_date
from caseq.web.stage import ENDS, Stage, Story, current_measure, ended_by, newest
from caseq.web.wording import ACTIONS, MEASURES, MILESTONES, OUTCOMES, PHASES


@dataclass(frozen=True)
class Step:
    """One step; `state` is done, now or maybe, and `tag` says the same in words."""

    state: str
    title: Markup
    tag: Markup
    note: str = ""
    choices: tuple[Markup, ...] = ()
    is_current: bool = False


_ON_THE_WAY: Mapping[Story, tuple[str, ...]] = {
    Story.CRIMINAL_VICTIM: (MilestoneName.CASE_FILED, MilestoneName.CASE_SOLVED),
    Story.CRIMINAL_SUSPECT: (MilestoneName.COMPULSORY_MEASURE,),
    Story.ADMINISTRATIVE_VICTIM: (
        MilestoneName.CASE_ACCEPTED,
        MilestoneName.HEARING,
        MilestoneName.MEDIATION,
        MilestoneName.MEDIATION_AGREEMENT,
    ),
    Story.ADMINISTRATIVE_SUSPECT: (
        MilestoneName.HEARING,
        MilestoneName.MEDIATION,
        MilestoneName.MEDIATION_AGREEMENT,
        MilestoneName.PRE_PENALTY_NOTICE,
    ),
}
#: Ends that can come before all else only: later they are not announced as possible.
_ONLY_AT_FIRST = (MilestoneName.NO_INVESTIGATION, MilestoneName.CASE_NOT_FILED)
_DONE = N_("已完成")
_NOW = N_("现在在这一步")
_MAYBE = N_("可能会有，也可能没有")
_OPEN = N_("还没定")


def track(view: CaseView, grant: Grant, story: Story, stage: Stage, words: Words) -> tuple[Step, ...]:
    """The steps, oldest first; none where there is nothing yet or no common course (trade)."""
    if stage is Stage.EMPTY or story not in _ON_THE_WAY:
        return ()
    passed = _newest_each(view, (*_ON_THE_WAY[story], *ENDS[view.kind]))
    done = [_done(m, words) for m in sorted(passed, key=_day)]
    if stage is Stage.TRANSFERRED:
        note = N_("以后的进展，可以打检察院的电话 12309 问。")
        return (*done, _now(N_("检察院审查"), note, words))
    if ended_by(view):
        return (*done[:-1], _as_current(done[-1]))
    running = next((m for m in view.milestones if _is_running(m)), None)
    done = [_done(m, words) for m in sorted(passed, key=_day) if not _is_running(m)]
    return (*done, _here(running, stage, words), *_ahead(view, grant, story, words))


def _is_running(milestone: MilestoneView) -> bool:
    """Whether a hearing or a mediation was announced and its end is not known."""
    if milestone.name == MilestoneName.HEARING:
        return milestone.fields.get("phase") not in ("held", "terminated")
    return milestone.name == MilestoneName.MEDIATION and milestone.fields.get("outcome") not in OUTCOMES


def _here(running: MilestoneView | None, stage: Stage, words: Words) -> Step:
    """Where the case is while nothing is decided."""
    if running is not None:
        phase = PHASES.get(str(running.fields.get("phase")), N_("结束后，才能决定下一步。"))
        return _now(MILESTONES[running.name], phase, words)
    if stage is Stage.NOTICE:
        return _now(N_("作出决定以前"), N_("可以说明情况、提出申辩。"), words)
    return _now(N_("继续调查，收集证据"), N_("查清后，才能决定下一步。"), words)


def _newest_each(view: CaseView, names: Iterable[str]) -> list[MilestoneView]:
    found = []
    for name in names:
        is_measure = name == MilestoneName.COMPULSORY_MEASURE
        milestone = current_measure(view) if is_measure else newest(view, name)
        if milestone is not None:
            found.append(milestone)
    return found


def _ahead(view: CaseView, grant: Grant, story: Story, words: Words) -> list[Step]:
    steps = []
    solved = MilestoneName.CASE_SOLVED
    if story is Story.CRIMINAL_VICTIM and solved in grant.milestones and newest(view, solved) is None:
        steps.append(Step("maybe", words.say(MILESTONES[solved]), words.say(_MAYBE)))
    ends = [
        words.say(MILESTONES[name])
        for name in ENDS[view.kind]
        if name in grant.milestones and name not in _ONLY_AT_FIRST
    ]
    if len(ends) == 1:
        steps.append(Step("maybe", ends[0], words.say(_MAYBE)))
    elif ends:
        title = words.say(N_("之后，会是下面其中一种"))
        steps.append(Step("maybe", title, words.say(_OPEN), choices=tuple(ends)))
    return steps


def _done(milestone: MilestoneView, words: Words) -> Step:
    fields = milestone.fields
    title, tag = MILESTONES[milestone.name], _DONE
    if milestone.name == MilestoneName.COMPULSORY_MEASURE:
        title = MEASURES.get(str(fields.get("measure")), title)
        tag = ACTIONS.get(str(fields.get("action")), _DONE)
    if milestone.name == MilestoneName.MEDIATION:
        tag = OUTCOMES.get(str(fields.get("outcome")), _DONE)
    if milestone.name == MilestoneName.HEARING:
        tag = PHASES.get(str(fields.get("phase")), _DONE)
    return Step("done", words.say(title), words.say(tag), words.day(as_date(fields.get("occurred_on"))))


def _now(title: str, note: str, words: Words) -> Step:
    return Step("now", words.say(title), words.say(_NOW), words.say(note), is_current=True)


def _as_current(step: Step) -> Step:
    return Step(step.state, step.title, step.tag, step.note, is_current=True)


def _day(milestone: MilestoneView) -> date:
    return as_date(milestone.fields.get("occurred_on")) or date.max
