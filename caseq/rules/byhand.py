"""How those are told who have no query online: by a document or a telephone call, and what became of it."""

from collections.abc import Mapping
from enum import StrEnum

from caseq.rules.case import Kind, Role
from caseq.rules.disclosure import RIGHTS, UNIT, Policy

#: Groups 5 to 7 of the plan: told by document or call-back, never by query.
KINDS = frozenset({Kind.RECONSIDERATION, Kind.COMPENSATION, Kind.PETITION, Kind.REGULATION})


class Method(StrEnum):
    """How a notice goes to its addressee."""

    IN_PERSON = "in person"
    POST = "post"
    LEFT = "left"  # left at the place, before a witness
    CALL_BACK = "call back"


class Result(StrEnum):
    """What became of a notice. What was not delivered is somebody's task."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    NOT_FOUND = "not found"


class Receiver(StrEnum):
    """Who took a notice, never by name."""

    SELF = "self"
    FAMILY = "family"  # an adult who lives with the addressee
    AGENT = "agent"
    GUARDIAN = "guardian"
    OFFICE = "office"  # whoever takes the post of an organisation
    WITNESS = "witness"  # nobody took it: a witness saw where it was left


def may_receive(kind: Kind, receiver: Receiver) -> bool:
    """Whether this receiver may take a notice in a case of this kind: what a petitioner gets, nobody else takes."""
    return kind is not Kind.PETITION or receiver in (Receiver.SELF, Receiver.WITNESS)


def addressees(policy: Policy) -> Mapping[tuple[str, str], frozenset[Role]]:
    """Who is told of a milestone in a case of these kinds, by kind and item: whoever a rule names, and nobody else.

    So a petition's material never goes to whom it complains of.
    """
    named: dict[tuple[str, str], frozenset[Role]] = {}
    for rule in policy.rules:
        if rule.kind in KINDS and rule.item not in (UNIT, RIGHTS):
            pair = (rule.kind.value, rule.item)
            named[pair] = named.get(pair, frozenset()) | frozenset(rule.roles)
    return named
