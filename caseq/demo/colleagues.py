"""The bureau's people of the demo: one account for each role, with invented names, past their first sign-in."""

import secrets
from base64 import b32decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caseq import runtime, staffing
from caseq.rules import authenticators
from caseq.rules.duties import StaffRole
from caseq.runtime import Runtime
from caseq.settings import load
from caseq.store import ledger

#: badge: (name, role, whether of the unit of the show cases)
PEOPLE: Mapping[str, tuple[str, StaffRole, bool]] = {
    "640101": ("示例窗口", StaffRole.WINDOW_CLERK, False),
    "640102": ("示例办案", StaffRole.UNIT, True),
    "640103": ("示例所长", StaffRole.LEADER, True),
    "640104": ("示例初审", StaffRole.REVIEWER, False),
    "640105": ("示例保密", StaffRole.SECRECY_REVIEWER, False),
    "640106": ("示例局长", StaffRole.LEADER, False),
    "640107": ("示例督察", StaffRole.AUDITOR, False),
    "640108": ("示例管理", StaffRole.ADMINISTRATOR, False),
}


@dataclass(frozen=True, slots=True)
class Colleague:
    """One of the bureau's people, with the own password."""

    badge: str
    name: str
    role: str
    password: str


def hire(environ: Mapping[str, str], case_number: str) -> Sequence[Colleague]:
    """The accounts that were made; those of a unit belong to the one that handles this case."""
    parts = runtime.build(load(environ))
    unit, made = _unit_of(parts, case_number), []
    for badge, (name, role, is_of_unit) in PEOPLE.items():
        first = staffing.hire(parts, badge, name, role, unit if is_of_unit else None, "demo")
        begun = staffing.sign_in(parts, badge, first or "", "", "demo")
        assert isinstance(begun, staffing.Enrolling)
        password = f"demo-{secrets.token_hex(6)}"
        code = authenticators.shown(b32decode(begun.secret), authenticators.step_at(parts.clock().timestamp()))
        token = staffing.enrol(parts, begun.staff_id, code, password, "demo")
        assert not isinstance(token, staffing.Refused)
        staffing.sign_out(parts, token)
        made.append(Colleague(badge, name, role.value + (" (unit)" if is_of_unit else ""), password))
    parts.database.close()
    return made


def _unit_of(parts: Runtime, case_number: str) -> str | None:
    with parts.database.autocommit() as connection:
        return ledger.unit_code(connection, case_number)
