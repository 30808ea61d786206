"""The closed sets a mapping may name; a test holds them equal to caseq.rules.case, which adapters may not import."""

from collections.abc import Mapping

KINDS = frozenset(
    {
        "criminal",
        "administrative",
        "trade",
        "reconsideration",
        "compensation",
        "petition",
        "regulation",
    }
)

STATES = frozenset({"open", "concluded", "transferred", "withheld"})

ROLES = frozenset(
    {
        "complainant",
        "victim",
        "victim_family",
        "suspect",
        "suspect_family",
        "agent",
        "third_party",
        "trade_member",
        "applicant",
        "petitioner",
        "regulated_party",
    }
)

#: The roles that are read narrowly where one of them is a minor.
SUSPECT_SIDE = frozenset({"suspect", "suspect_family", "agent", "third_party"})

#: The milestones that are always about one suspect.
OF_A_SUSPECT = frozenset({"compulsory_measure", "suspect_investigation_terminated"})

#: The milestones by name, each with the details it may carry.
DETAILS: Mapping[str, frozenset[str]] = {
    "case_filed": frozenset(),
    "case_solved": frozenset(),
    "transferred_for_prosecution_review": frozenset({"procuratorate"}),
    "compulsory_measure": frozenset({"measure", "action"}),
    "case_withdrawn": frozenset({"ground"}),
    "expert_opinion": frozenset({"opinion_kind", "reappraisal_until"}),
    "case_accepted": frozenset(),
    "no_investigation": frozenset({"ground"}),
    "hearing": frozenset({"phase", "place"}),
    "mediation": frozenset({"place", "outcome"}),
    "mediation_agreement": frozenset({"perform_by", "performed"}),
    "pre_penalty_notice": frozenset({"statement_until"}),
    "penalty_decision": frozenset({"penalties"}),
    "no_penalty_decision": frozenset({"ground"}),
    "investigation_terminated": frozenset({"ground"}),
    "inspection": frozenset({"inspection_kind", "result", "rectify_by"}),
    "trade_penalty": frozenset({"penalties"}),
    "violation_notice": frozenset({"behaviour"}),
    "review_result": frozenset({"result"}),
    "compensation_result": frozenset({"result"}),
    "petition_result": frozenset({"result", "review_by"}),
    "case_not_filed": frozenset({"ground"}),
    "suspect_investigation_terminated": frozenset(),
}

MEASURES = frozenset(
    {"summons_by_force", "bail_pending_trial", "residential_surveillance", "criminal_detention", "arrest"}
)

ACTIONS = frozenset({"imposed", "changed", "extended", "lifted"})

#: The details whose values are a closed set; a code table for them may name no other value.
DETAIL_VALUES: Mapping[str, frozenset[str]] = {
    "measure": MEASURES,
    "action": ACTIONS,
    "phase": frozenset({"right_notified", "requested", "accepted", "scheduled", "held", "terminated"}),
    "outcome": frozenset({"agreed", "failed", "withdrawn"}),
}

#: The details that are dates, and those that are true or false; all others not named here are texts.
DATES = frozenset({"reappraisal_until", "perform_by", "statement_until", "rectify_by", "review_by"})

FLAGS = frozenset({"performed"})

PENALTIES = frozenset(
    {
        "warning",
        "fine",
        "administrative_detention",
        "confiscation",
        "suspension",
        "licence_revocation",
        "other",
    }
)
