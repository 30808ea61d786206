"""Codes without an SMS for the people of the demo: one line of paper for each, an authenticator app for the victims."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caseq import granting, paper, runtime
from caseq.demo.casesystem import Person
from caseq.rules import authenticators
from caseq.rules.case import Role
from caseq.runtime import Runtime
from caseq.settings import load
from caseq.store import ways
from caseq.store.grants import GrantRow

_WHO = {"by": "demo", "reason": "demo"}


@dataclass(frozen=True, slots=True)
class Codes:
    """What a person may type instead of a code from an SMS: a line of paper, and the secret of an app, if any."""

    paper: str
    app_secret: str


def make(environ: Mapping[str, str], people: Sequence[Person]) -> dict[Person, Codes]:
    """The codes of these people; whoever is not in the service has none."""
    parts = runtime.build(load(environ))
    found = {person: _grant(parts, person) for person in people}
    made = {person: _codes(parts, person, grant) for person, grant in found.items() if grant is not None}
    parts.database.close()
    return made


def _grant(parts: Runtime, person: Person) -> GrantRow | None:
    rows = granting.of_case(parts, person.case_number)
    return next((row for row in rows if row.role == person.role and row.may_enter), None)


def _codes(parts: Runtime, person: Person, grant: GrantRow) -> Codes:
    issued = paper.print_sheet(parts, person.case_number, grant.party, **_WHO)
    assert isinstance(issued, paper.Issued)
    return Codes(issued.lines[0].typed, _app(parts, grant) if person.role == Role.VICTIM else "")


def _app(parts: Runtime, grant: GrantRow) -> str:
    now, secret = parts.clock(), secrets.token_bytes(authenticators.SECRET_BYTES)
    with parts.database.transaction() as connection:
        ways.enrol(connection, parts.sealer, grant.party_id, secret, now)
        ways.confirm(connection, grant.party_id, authenticators.step_at(now.timestamp()), now)
    return authenticators.base32(secret)
