"""The vocabulary of a case: kinds, roles, milestones, and the records that case systems push."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

BUREAU_TIME = ZoneInfo("Asia/Shanghai")


class Kind(StrEnum):
    CRIMINAL = "criminal"
    ADMINISTRATIVE = "administrative"
    TRADE = "trade"
    RECONSIDERATION = "reconsideration"
    COMPENSATION = "compensation"
    PETITION = "petition"
    REGULATION = "regulation"


class Role(StrEnum):
    COMPLAINANT = "complainant"
    VICTIM = "victim"
    VICTIM_FAMILY = "victim_family"
    SUSPECT = "suspect"
    SUSPECT_FAMILY = "suspect_family"
    AGENT = "agent"
    THIRD_PARTY = "third_party"
    TRADE_MEMBER = "trade_member"
    APPLICANT = "applicant"
    PETITIONER = "petitioner"
    REGULATED_PARTY = "regulated_party"


SUSPECT_SIDE = frozenset({Role.SUSPECT, Role.SUSPECT_FAMILY, Role.AGENT, Role.THIRD_PARTY})


class CaseState(StrEnum):
    OPEN = "open"
    CONCLUDED = "concluded"
    TRANSFERRED = "transferred"
    WITHHELD = "withheld"


class RecordType(StrEnum):
    CASE = "case"
    PARTY = "party"
    MILESTONE = "milestone"


class MilestoneName(StrEnum):
    CASE_FILED = "case_filed"
    CASE_SOLVED = "case_solved"
    TRANSFERRED_FOR_PROSECUTION_REVIEW = "transferred_for_prosecution_review"
    COMPULSORY_MEASURE = "compulsory_measure"
    CASE_WITHDRAWN = "case_withdrawn"
    EXPERT_OPINION = "expert_opinion"
    CASE_ACCEPTED = "case_accepted"
    NO_INVESTIGATION = "no_investigation"
    HEARING = "hearing"
    MEDIATION = "mediation"
    MEDIATION_AGREEMENT = "mediation_agreement"
    PRE_PENALTY_NOTICE = "pre_penalty_notice"
    PENALTY_DECISION = "penalty_decision"
    NO_PENALTY_DECISION = "no_penalty_decision"
    INVESTIGATION_TERMINATED = "investigation_terminated"
    INSPECTION = "inspection"
    TRADE_PENALTY = "trade_penalty"
    VIOLATION_NOTICE = "violation_notice"
    REVIEW_RESULT = "review_result"
    COMPENSATION_RESULT = "compensation_result"
    PETITION_RESULT = "petition_result"
    CASE_NOT_FILED = "case_not_filed"
    SUSPECT_INVESTIGATION_TERMINATED = "suspect_investigation_terminated"


#: The fields that stand beside `details` in a milestone.
COMMON_FIELDS = frozenset({"occurred_on", "document_number"})

#: The fields that `details` of a milestone may hold: what some role may see, and nothing else.
DETAIL_FIELDS: Mapping[MilestoneName, frozenset[str]] = {
    MilestoneName.CASE_FILED: frozenset(),
    MilestoneName.CASE_SOLVED: frozenset(),
    MilestoneName.TRANSFERRED_FOR_PROSECUTION_REVIEW: frozenset({"procuratorate"}),
    MilestoneName.COMPULSORY_MEASURE: frozenset({"measure", "action"}),
    MilestoneName.CASE_WITHDRAWN: frozenset({"ground"}),
    MilestoneName.EXPERT_OPINION: frozenset({"opinion_kind", "reappraisal_until"}),
    MilestoneName.CASE_ACCEPTED: frozenset(),
    MilestoneName.NO_INVESTIGATION: frozenset({"ground"}),
    MilestoneName.HEARING: frozenset({"phase", "place"}),
    MilestoneName.MEDIATION: frozenset({"place", "outcome"}),
    MilestoneName.MEDIATION_AGREEMENT: frozenset({"perform_by", "performed"}),
    MilestoneName.PRE_PENALTY_NOTICE: frozenset({"statement_until"}),
    MilestoneName.PENALTY_DECISION: frozenset({"penalties"}),
    MilestoneName.NO_PENALTY_DECISION: frozenset({"ground"}),
    MilestoneName.INVESTIGATION_TERMINATED: frozenset({"ground"}),
    MilestoneName.INSPECTION: frozenset({"inspection_kind", "result", "rectify_by"}),
    MilestoneName.TRADE_PENALTY: frozenset({"penalties"}),
    MilestoneName.VIOLATION_NOTICE: frozenset({"behaviour"}),
    MilestoneName.REVIEW_RESULT: frozenset({"result"}),
    MilestoneName.COMPENSATION_RESULT: frozenset({"result"}),
    MilestoneName.PETITION_RESULT: frozenset({"result", "review_by"}),
    MilestoneName.CASE_NOT_FILED: frozenset({"ground"}),
    MilestoneName.SUSPECT_INVESTIGATION_TERMINATED: frozenset(),
}

#: What can happen in a case of each kind: by the plan, and by the statutes whose overlays may be adopted.
MILESTONES_IN: Mapping[Kind, frozenset[MilestoneName]] = {
    Kind.CRIMINAL: frozenset(
        {
            MilestoneName.CASE_FILED,
            MilestoneName.CASE_SOLVED,
            MilestoneName.TRANSFERRED_FOR_PROSECUTION_REVIEW,
            MilestoneName.COMPULSORY_MEASURE,
            MilestoneName.CASE_WITHDRAWN,
            MilestoneName.EXPERT_OPINION,
            MilestoneName.CASE_NOT_FILED,
            MilestoneName.SUSPECT_INVESTIGATION_TERMINATED,
        }
    ),
    Kind.ADMINISTRATIVE: frozenset(
        {
            MilestoneName.CASE_ACCEPTED,
            MilestoneName.NO_INVESTIGATION,
            MilestoneName.HEARING,
            MilestoneName.MEDIATION,
            MilestoneName.MEDIATION_AGREEMENT,
            MilestoneName.PRE_PENALTY_NOTICE,
            MilestoneName.PENALTY_DECISION,
            MilestoneName.NO_PENALTY_DECISION,
            MilestoneName.INVESTIGATION_TERMINATED,
        }
    ),
    Kind.TRADE: frozenset({MilestoneName.INSPECTION, MilestoneName.TRADE_PENALTY}),
    Kind.RECONSIDERATION: frozenset({MilestoneName.REVIEW_RESULT}),
    Kind.COMPENSATION: frozenset({MilestoneName.COMPENSATION_RESULT}),
    Kind.PETITION: frozenset({MilestoneName.PETITION_RESULT}),
    Kind.REGULATION: frozenset({MilestoneName.INSPECTION, MilestoneName.VIOLATION_NOTICE}),
}

_TWO_SIDES = SUSPECT_SIDE | {Role.COMPLAINANT, Role.VICTIM, Role.VICTIM_FAMILY}

#: Who can be a party to a case of each kind.
ROLES_IN: Mapping[Kind, frozenset[Role]] = {
    Kind.CRIMINAL: _TWO_SIDES,
    Kind.ADMINISTRATIVE: _TWO_SIDES,
    Kind.TRADE: frozenset({Role.TRADE_MEMBER}),
    Kind.RECONSIDERATION: frozenset({Role.APPLICANT}),
    Kind.COMPENSATION: frozenset({Role.APPLICANT}),
    Kind.PETITION: frozenset({Role.PETITIONER}),
    Kind.REGULATION: frozenset({Role.REGULATED_PARTY}),
}

#: The target groups of the plan to which a kind of case matters.
GROUPS_IN: Mapping[Kind, frozenset[int]] = {
    Kind.CRIMINAL: frozenset({1, 3}),
    Kind.ADMINISTRATIVE: frozenset({1, 4}),
    Kind.TRADE: frozenset({2}),
    Kind.RECONSIDERATION: frozenset({5}),
    Kind.COMPENSATION: frozenset({5}),
    Kind.PETITION: frozenset({6}),
    Kind.REGULATION: frozenset({7}),
}

UNIT_FIELDS = frozenset({"name", "address", "phone"})


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit that handles a case, with its office telephone (never an officer's)."""

    name: str
    code: str | None = None
    address: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The state of one case as its source pushed it; `ended_on` is what `ended` makes of that."""

    number: str
    kind: Kind
    unit: Unit
    state: CaseState = CaseState.OPEN
    opened_on: date | None = None
    concluded_on: date | None = None
    aliases: tuple[str, ...] = ()
    merged_into: str | None = None
    transferred_to: Mapping[str, str] | None = None
    juvenile: bool = False
    trade: str | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """One person in one role in one case; `subject` is the suspect this person is or stands by."""

    key: str
    role: Role
    name: str | None = None
    phone: str | None = None
    subject: str | None = None
    appeared_on: date | None = None
    juvenile: bool = False
    valid_from: date | None = None
    valid_until: date | None = None
    sms: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a milestone is not shown yet; it stays hidden to the end of the day `until`, or for good."""

    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Milestone:
    """One thing that happened in a case; `subject` None concerns the whole case."""

    key: str
    name: MilestoneName
    subject: str | None = None
    occurred_on: date | None = None
    document_number: str | None = None
    details: Mapping[str, object] | None = None
    hold: Hold | None = None
    tell_first: bool = False

    def values(self) -> Mapping[str, object]:
        """All that may be shown of it, by the names that rules use."""
        common = {"occurred_on": self.occurred_on, "document_number": self.document_number}
        return {**(self.details or {}), **common}

    @property
    def hidden_until(self) -> date | None:
        """The last day on which this milestone is hidden, `date.max` for good, None if it is not held."""
        return None if self.hold is None else self.hold.until or date.max


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The source takes a record back: it was entered by mistake, deleted or may no longer be shown."""

    record: RecordType
    key: str
    reason: str | None = None


LONGEST_EVENT_ID = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One pushed CloudEvent: `time` (aware) is when the information was formed or changed, `raw` the JSON itself.

    `case_key` is the number of its case as the ledger looks it up (`numbers.lookup_key`).
    """

    id: str
    case_number: str
    case_key: str
    sequence: str
    time: datetime
    record: Case | Party | Milestone | Withdrawal
    raw: Mapping[str, Any]


def ended(case: Case, time: datetime, before: Case | None) -> date | None:
    """The day on which the case ended here: concluded, or went to another organ; None while it goes on.

    Where the source names no day it is that of the event of `time`, or what an earlier event made it.
    """
    if case.state is CaseState.CONCLUDED:
        named = case.concluded_on
    elif case.state is CaseState.TRANSFERRED:
        on = (case.transferred_to or {}).get("on")
        named = date.fromisoformat(on) if on else None
    else:
        return None
    known = before.ended_on if before is not None and before.state is case.state else None
    return named or known or bureau_date(time)


def bureau_date(moment: datetime) -> date:
    """The calendar date at the bureau of an aware moment."""
    return moment.astimezone(BUREAU_TIME).date()
