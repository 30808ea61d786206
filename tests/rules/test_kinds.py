"""What can happen in a case of each kind, and who can be a party to it, against the matrix."""

from caseq.rules.case import MILESTONES_IN, ROLES_IN, Kind, MilestoneName, Role
from tests import matrix

#: What statutes know and the plan of 2017 does not.
BY_STATUTE = {(Kind.CRIMINAL, "case_not_filed"), (Kind.CRIMINAL, "suspect_investigation_terminated")}


def test_in_each_kind_can_happen_what_the_matrix_and_the_statutes_name():
    told = {(cell.kind, cell.item) for cell in matrix.cells() if cell.item not in ("unit", "rights")}
    assert {(kind, name) for kind, names in MILESTONES_IN.items() for name in names} == told | BY_STATUTE


def test_the_parties_of_each_kind_are_those_of_the_matrix():
    told = {(cell.kind, cell.role) for cell in matrix.cells()}
    assert {(kind, role) for kind, roles in ROLES_IN.items() for role in roles} == told


def test_every_kind_milestone_and_role_has_its_place():
    assert set(MILESTONES_IN) == set(ROLES_IN) == set(Kind)
    assert set().union(*MILESTONES_IN.values()) == set(MilestoneName)
    assert set().union(*ROLES_IN.values()) == set(Role)
