"""What staff do to grants: take one away, confirm who asks, widen a case that a minor narrowed; each with a name and a
reason, in the audit."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from caseq.rules.agreed import cleaned, may_be_agreed
from caseq.rules.case import bureau_date
from caseq.rules.numbers import lookup_key
from caseq.runtime import Runtime
from caseq.store import auditing, contacts, grants, preferences, sessions, ways
from caseq.store.access import REVOKED
from caseq.store.grants import GrantRow


class Deed(StrEnum):
    """`confirm`: staff have seen by papers who this is (a minor has grown up, an access was taken away by mistake)."""

    REVOKE = "revoke"
    CONFIRM = "confirm"


def of_case(runtime: Runtime, case_number: str) -> Sequence[GrantRow]:
    """The grants of the live case with this number, current or former; empty if there is none."""
    with runtime.database.autocommit() as connection:
        today = bureau_date(runtime.clock())
        return grants.of_case(connection, runtime.settings.policy, lookup_key(case_number), today)


def left_behind(runtime: Runtime) -> Sequence[GrantRow]:
    """The grants that are still in cases which were merged into others: their source has to move them."""
    with runtime.database.autocommit() as connection:
        return grants.left_behind(connection, runtime.settings.policy, bureau_date(runtime.clock()))


def do(runtime: Runtime, deed: Deed, case_number: str, party: str, by: str, reason: str) -> GrantRow | None:
    """The grant before it was taken away or opened again, for every process at once; None if there is no such grant.

    Sessions of a grant that was taken away end with their next request, codes under way open nothing: not even when
    it is opened again, because they may be in the hands of a stranger.
    """
    now = runtime.clock()
    policy, key = runtime.settings.policy, lookup_key(case_number)
    with runtime.database.transaction() as connection:
        row = grants.named(grants.of_case(connection, policy, key, bureau_date(now)), key, party)
        if row is None:
            return None
        grants.bar(connection, row.party_id, REVOKED if deed is Deed.REVOKE else None)
        if deed is Deed.REVOKE:
            sessions.end_all(connection, row.party_id, now)
            ways.end_paper(connection, row.party_id, now)
            ways.drop_app(connection, row.party_id)
        facts = {"by": by, "reason": reason, "was": row.barred}
        auditing.record(connection, deed.value, now, party_id=row.party_id, case_id=row.case_id, facts=facts)
    return row


class Widened(StrEnum):
    """What became of a case that staff wanted to widen; `HAS_MINOR`: a live record still tells of a minor."""

    DONE = "done"
    NO_CASE = "no case"
    NOT_NARROWED = "not narrowed"
    HAS_MINOR = "has minor"


def widen(runtime: Runtime, case_number: str, by: str, reason: str) -> Widened:
    """Let the live case with this number be read in full again, after staff have found that no minor was a suspect.

    Nothing that a source pushes does this: what is known of a minor stays sealed when the minor grows up (CPL 286).
    Nobody gets an SMS of what is opened.
    """
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        case = grants.lock_case(connection, lookup_key(case_number))
        if case is None:
            return Widened.NO_CASE
        if case.has_minor:
            return Widened.HAS_MINOR
        if not case.narrowed:
            return Widened.NOT_NARROWED
        grants.widen(connection, case.case_id)
        auditing.record(connection, "widen", now, case_id=case.case_id, facts={"by": by, "reason": reason})
    return Widened.DONE


def safe_contact(runtime: Runtime, case_number: str, party: str, by: str, reason: str) -> str | None:
    """How this party wants to be reached, "" if it has not said; the look is in the audit. None: no such party."""
    now, key = runtime.clock(), lookup_key(case_number)
    with runtime.database.transaction() as connection:
        row = grants.named(grants.of_case(connection, runtime.settings.policy, key, bureau_date(now)), key, party)
        if row is None:
            return None
        facts = {"by": by, "reason": reason}
        auditing.record(connection, "safe_contact", now, party_id=row.party_id, case_id=row.case_id, facts=facts)
        return preferences.of(connection, runtime.sealer, row.party_id).safe_contact


class Agreed(StrEnum):
    """What became of a phrase that a party agreed on at the counter."""

    DONE = "done"
    REMOVED = "removed"
    NOBODY = "nobody"
    UNFIT = "unfit"


def agree(runtime: Runtime, case_number: str, party: str, phrase: str, by: str, reason: str) -> Agreed:
    """Keep the phrase that a party agreed on with staff, "" to remove it; the audit says who and why, not which."""
    now, key, phrase = runtime.clock(), lookup_key(case_number), cleaned(phrase)
    with runtime.database.transaction() as connection:
        row = grants.named(grants.of_case(connection, runtime.settings.policy, key, bureau_date(now)), key, party)
        if row is None:
            return Agreed.NOBODY
        wishes = preferences.of(connection, runtime.sealer, row.party_id)
        name = contacts.name_of(connection, runtime.sealer, row.party_id)
        if not may_be_agreed(runtime.settings.wording, wishes.language, phrase, name):
            return Agreed.UNFIT
        preferences.keep(connection, runtime.sealer, row.party_id, replace(wishes, phrase=phrase), now)
        facts = {"by": by, "reason": reason, "removed": not phrase}
        auditing.record(connection, "phrase", now, party_id=row.party_id, case_id=row.case_id, facts=facts)
    return Agreed.DONE if phrase else Agreed.REMOVED
