"""Compulsory measures: their kinds, and what becomes of one."""

from enum import StrEnum


class Measure(StrEnum):
    SUMMONS_BY_FORCE = "summons_by_force"
    BAIL_PENDING_TRIAL = "bail_pending_trial"
    RESIDENTIAL_SURVEILLANCE = "residential_surveillance"
    CRIMINAL_DETENTION = "criminal_detention"
    ARREST = "arrest"


class MeasureAction(StrEnum):
    IMPOSED = "imposed"
    CHANGED = "changed"
    EXTENDED = "extended"
    LIFTED = "lifted"
