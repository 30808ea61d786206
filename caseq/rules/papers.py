"""Which papers show at the counter who somebody is; their numbers are never kept."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from caseq.rules.case import Role


class Paper(StrEnum):
    """What a clerk has seen."""

    IDENTITY_CARD = "identity card"
    OTHER_IDENTITY = "other identity"  # a passport, a residence permit
    HOUSEHOLD_BOOK = "household book"
    MARRIAGE_CERTIFICATE = "marriage certificate"
    GUARDIANSHIP = "guardianship"
    LAWYER_LICENCE = "lawyer licence"
    FIRM_LETTER = "firm letter"
    LEGAL_AID_LETTER = "legal aid letter"
    POWER_OF_ATTORNEY = "power of attorney"
    BUSINESS_LICENCE = "business licence"


#: Of each set one is enough, and of every set one is needed.
Needed = Sequence[frozenset[Paper]]

_SELF = frozenset({Paper.IDENTITY_CARD, Paper.OTHER_IDENTITY})
_KIN = frozenset({Paper.HOUSEHOLD_BOOK, Paper.MARRIAGE_CERTIFICATE, Paper.GUARDIANSHIP})
_FAMILY: Needed = (_SELF, _KIN)
_LAWYER: Needed = (
    _SELF | {Paper.LAWYER_LICENCE},
    frozenset({Paper.FIRM_LETTER, Paper.LEGAL_AID_LETTER}),
    frozenset({Paper.POWER_OF_ATTORNEY, Paper.LEGAL_AID_LETTER}),
)
_ENTITY: Needed = (_SELF, frozenset({Paper.BUSINESS_LICENCE}))
#: The procuratorate's list (12309), by role: a party shows who it is; kin and lawyers also for whom they come.
NEEDED: Mapping[Role, Needed] = {
    Role.COMPLAINANT: (_SELF,),
    Role.VICTIM: (_SELF,),
    Role.VICTIM_FAMILY: _FAMILY,
    Role.SUSPECT: (_SELF,),
    Role.SUSPECT_FAMILY: _FAMILY,
    Role.AGENT: _LAWYER,
    Role.THIRD_PARTY: (_SELF,),
    Role.TRADE_MEMBER: _ENTITY,
    Role.APPLICANT: (_SELF,),
    Role.PETITIONER: (_SELF,),
    Role.REGULATED_PARTY: (_SELF,),
}


def missing(role: Role, seen: Collection[Paper]) -> Needed:
    """What is still to be shown in this role: of each set one; empty if these papers are enough."""
    return [wanted for wanted in NEEDED[role] if wanted.isdisjoint(seen)]
