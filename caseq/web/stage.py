"""How far a case is for one reader, told from the view alone: nothing hidden can change it."""

from collections.abc import Mapping
from enum import StrEnum

from caseq.rules.case import SUSPECT_SIDE, Kind, MilestoneName, Role
from caseq.rules.disclosure import CaseView, MilestoneView
from caseq.web.language import as_date


class Story(StrEnum):
    """Which kind of story is told: one per kind of case and side."""

    CRIMINAL_VICTIM = "criminal victim"
    CRIMINAL_SUSPECT = "criminal suspect"
    ADMINISTRATIVE_VICTIM = "administrative victim"
    ADMINISTRATIVE_SUSPECT = "administrative suspect"
    TRADE = "trade"
    OTHER = "other"


class Stage(StrEnum):
    """How far the case is, as one headline can say it."""

    EMPTY = "empty"
    FILED = "filed"
    MEASURE = "measure"
    LIFTED = "lifted"
    OPINION = "opinion"
    SOLVED = "solved"
    TRANSFERRED = "transferred"
    WITHDRAWN = "withdrawn"
    NOT_FILED = "not filed"
    STOPPED = "stopped"
    ACCEPTED = "accepted"
    HEARING = "hearing"
    MEDIATION = "mediation"
    MEDIATION_STOPPED = "mediation stopped"
    AGREEMENT = "agreement"
    PERFORMED = "performed"
    NOTICE = "notice"
    PENALTY = "penalty"
    NO_PENALTY = "no penalty"
    DECIDED = "decided"
    TERMINATED = "terminated"
    NO_INVESTIGATION = "no investigation"
    RECORDS = "records"


#: Milestones after which the police have decided, per kind of case.
ENDS: Mapping[str, tuple[str, ...]] = {
    Kind.CRIMINAL: (
        MilestoneName.TRANSFERRED_FOR_PROSECUTION_REVIEW,
        MilestoneName.CASE_WITHDRAWN,
        MilestoneName.SUSPECT_INVESTIGATION_TERMINATED,
        MilestoneName.CASE_NOT_FILED,
    ),
    Kind.ADMINISTRATIVE: (
        MilestoneName.PENALTY_DECISION,
        MilestoneName.NO_PENALTY_DECISION,
        MilestoneName.INVESTIGATION_TERMINATED,
        MilestoneName.NO_INVESTIGATION,
    ),
}

_END_STAGES: Mapping[str, Stage] = {
    MilestoneName.TRANSFERRED_FOR_PROSECUTION_REVIEW: Stage.TRANSFERRED,
    MilestoneName.CASE_WITHDRAWN: Stage.WITHDRAWN,
    MilestoneName.SUSPECT_INVESTIGATION_TERMINATED: Stage.STOPPED,
    MilestoneName.CASE_NOT_FILED: Stage.NOT_FILED,
    MilestoneName.PENALTY_DECISION: Stage.PENALTY,
    MilestoneName.NO_PENALTY_DECISION: Stage.NO_PENALTY,
    MilestoneName.INVESTIGATION_TERMINATED: Stage.TERMINATED,
    MilestoneName.NO_INVESTIGATION: Stage.NO_INVESTIGATION,
}

_LAST_OF_SEVERAL_ON_A_DAY = ("imposed", "changed", "extended", None, "lifted")


def is_suspect_side(role: str) -> bool:
    """Whether the reader is, or stands by, the person under investigation."""
    return role in SUSPECT_SIDE


def story(kind: str, role: str) -> Story:
    """Which story to tell this reader."""
    if kind == Kind.CRIMINAL:
        return Story.CRIMINAL_SUSPECT if is_suspect_side(role) else Story.CRIMINAL_VICTIM
    if kind == Kind.ADMINISTRATIVE:
        return Story.ADMINISTRATIVE_SUSPECT if is_suspect_side(role) else Story.ADMINISTRATIVE_VICTIM
    return Story.TRADE if role == Role.TRADE_MEMBER else Story.OTHER


def stage(view: CaseView) -> Stage:
    """How far the case is, from the milestones in the view."""
    if not view.milestones:
        return Stage.EMPTY
    ends = ended_by(view)
    if MilestoneName.PENALTY_DECISION in ends and MilestoneName.NO_PENALTY_DECISION in ends:
        return Stage.DECIDED
    if ends:
        return _END_STAGES[ends[0]]
    if view.kind == Kind.CRIMINAL:
        return _criminal(view)
    if view.kind == Kind.ADMINISTRATIVE:
        return _administrative(view)
    return Stage.RECORDS


def ended_by(view: CaseView) -> list[str]:
    """The milestones that ended the case, newest first; a refusal to file ends nothing once the case is filed."""
    ends = [m.name for m in view.milestones if m.name in ENDS.get(view.kind, ())]
    names = [m.name for m in view.milestones]
    filed, refused = MilestoneName.CASE_FILED, MilestoneName.CASE_NOT_FILED
    if filed in names and refused in names and names.index(filed) < names.index(refused):
        return [name for name in ends if name != refused]
    return ends


def newest(view: CaseView, *names: str) -> MilestoneView | None:
    """The newest milestone in the view with one of these names."""
    return next((m for m in view.milestones if m.name in names), None)


def current_measure(view: CaseView) -> MilestoneView | None:
    """The newest compulsory measure; of several on one day, what was imposed and not what it replaced."""
    measures = [m for m in view.milestones if m.name == MilestoneName.COMPULSORY_MEASURE]
    if not measures:
        return None
    same_day = [m for m in measures if _day(m) == _day(measures[0])]
    return min(same_day, key=lambda m: _order(m.fields.get("action")))


def _criminal(view: CaseView) -> Stage:
    if newest(view, MilestoneName.CASE_SOLVED):
        return Stage.SOLVED
    measure = current_measure(view)
    if measure is not None:
        return Stage.LIFTED if measure.fields.get("action") == "lifted" else Stage.MEASURE
    return Stage.OPINION if newest(view, MilestoneName.EXPERT_OPINION) else Stage.FILED


def _administrative(view: CaseView) -> Stage:
    found = newest(
        view,
        MilestoneName.HEARING,
        MilestoneName.MEDIATION,
        MilestoneName.MEDIATION_AGREEMENT,
        MilestoneName.PRE_PENALTY_NOTICE,
    )
    if found is None:
        return Stage.ACCEPTED
    if found.name == MilestoneName.MEDIATION:
        stopped = found.fields.get("outcome") in ("failed", "withdrawn")
        agreed = found.fields.get("outcome") == "agreed"
        return Stage.MEDIATION_STOPPED if stopped else Stage.AGREEMENT if agreed else Stage.MEDIATION
    if found.name == MilestoneName.MEDIATION_AGREEMENT:
        return Stage.PERFORMED if found.fields.get("performed") is True else Stage.AGREEMENT
    return Stage.HEARING if found.name == MilestoneName.HEARING else Stage.NOTICE


def _day(milestone: MilestoneView) -> object:
    return as_date(milestone.fields.get("occurred_on"))


def _order(action: object) -> int:
    known = action if action in _LAST_OF_SEVERAL_ON_A_DAY else None
    return _LAST_OF_SEVERAL_ON_A_DAY.index(known)
