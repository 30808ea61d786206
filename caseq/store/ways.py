"""Ways to log in without an SMS: authenticator apps and codes on paper. Every use is one statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    union,
    union_all,
    update,
)

from caseq.rules import papercodes
from caseq.rules.case import RecordType, bureau_date
from caseq.rules.disclosure import Policy
from caseq.rules.guesses import APP_STEP, KEYPAD_LINE
from caseq.store import contacts
from caseq.store.access import days, may_enter
from caseq.store.database import insert_into
from caseq.store.guessing import NOBODY, Stake
from caseq.store.logins import GRANT, IS_KNOWN, KNOWN, by_number
from caseq.store.sealing import Sealer
from caseq.store.tables import Moment, authenticators, cases, history, paper_codes, parties

SHEET, COUNTER = "sheet", "counter"
_NOW = bindparam("now", type_=Moment)
_PARTIES = bindparam("parties", type_=BigInteger, expanding=True)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An authenticator app of one party; `last_step` is the newest time step that was used."""

    party_id: int
    secret: bytes = field(repr=False)
    last_step: int
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One line as it is stored: keyed hashes of what is typed, and of what is entered on a keypad."""

    line: int
    typed_hash: str
    keypad_hash: str | None


def stored(sealer: Sealer, line: papercodes.Line) -> PaperLine:
    """The line as it is stored, by its keyed hashes."""
    typed, keypad = papercodes.normal_form(line.typed), papercodes.normal_form(line.keypad)
    return PaperLine(line.n, sealer.fingerprint("paper typed", typed), sealer.fingerprint("paper keypad", keypad))


def parties_of(connection: Connection, policy: Policy, case_key: str, now: datetime) -> list[int]:
    """The parties who may enter a case that is found by this number."""
    numbered = union(
        select(parties.c.id).where(parties.c.case_id.in_(by_number())),
        select(parties.c.id)
        .join(history, (history.c.source == parties.c.source) & (history.c.key == parties.c.key))
        .where(history.c.record == RecordType.PARTY.value, history.c.case_id.in_(by_number())),
    )
    joined = select(parties.c.id).join(cases, cases.c.id == parties.c.case_id)
    wanted = joined.where(parties.c.id.in_(numbered), may_enter(policy)).order_by(parties.c.id)
    return list(connection.execute(wanted, {"case_key": case_key, **days(policy, bureau_date(now))}).scalars())


def _at_stake(table: Any, live: Sequence[ColumnElement[bool]], units: int) -> Select[Any]:
    """Each live row of the `parties` may be the right one; nobody stands in where there is none."""
    party_id = table.c.party_id
    where = (party_id.in_(_PARTIES), *live, party_id.in_(KNOWN) == IS_KNOWN)
    each = select(party_id, (func.count() * units).label("cost")).where(*where).group_by(party_id)
    nobody = select(NOBODY, literal(units, Integer))
    return select(union_all(each, nobody.where(~select(party_id).where(*where).exists())).subquery())


def _live() -> tuple[ColumnElement[bool], ...]:
    return (paper_codes.c.used_at.is_(None), paper_codes.c.expires_at > _NOW)


#: Guesses at codes of apps and of keypad lines; parameters as in `logins.AT_STAKE`, with `parties` and `now`.
APPS = Stake(_at_stake(authenticators, [authenticators.c.confirmed_at.is_not(None)], APP_STEP))
KEYPADS = Stake(_at_stake(paper_codes, [paper_codes.c.keypad_hash.is_not(None), *_live()], KEYPAD_LINE))


def enrolled(connection: Connection, sealer: Sealer, party_ids: Collection[int]) -> list[Enrolled]:
    """The authenticator apps of these parties."""
    wanted = select(authenticators).where(authenticators.c.party_id.in_(party_ids))
    return [
        Enrolled(
            row.party_id,
            sealer.unseal(purpose_of(row.party_id), row.secret_sealed),
            row.last_step,
            row.confirmed_at is not None,
        )
        for row in connection.execute(wanted.order_by(authenticators.c.party_id))
    ]


def purpose_of(party_id: int) -> str:
    """What a party's own value is sealed for: it opens in its row only."""
    return f"authenticators.secret {party_id}"


def enrol(connection: Connection, sealer: Sealer, party_id: int, secret: bytes, now: datetime) -> bool:
    """Keep the secret of an app that is not confirmed yet, in place of another one; False if one is confirmed."""
    row = {"secret_sealed": sealer.seal(purpose_of(party_id), secret), "last_step": 0, "made_at": now}
    statement = insert_into(connection, authenticators).values(party_id=party_id, **row)
    kept = statement.on_conflict_do_update(
        index_elements=["party_id"], set_=row, where=authenticators.c.confirmed_at.is_(None)
    )
    return connection.execute(kept.returning(authenticators.c.party_id)).first() is not None


def confirm(connection: Connection, party_id: int, step: int, now: datetime) -> bool:
    """Note that the app gave the right code of this time step: it works from now on; False if it did before."""
    mine = update(authenticators).where(authenticators.c.party_id == party_id, authenticators.c.confirmed_at.is_(None))
    confirmed = mine.values(confirmed_at=now, last_step=step).returning(authenticators.c.party_id)
    return connection.execute(confirmed).first() is not None


def drop_app(connection: Connection, party_id: int) -> bool:
    """Forget the party's app; False if it had none."""
    dropped = delete(authenticators).where(authenticators.c.party_id == party_id)
    return connection.execute(dropped.returning(authenticators.c.party_id)).first() is not None


def use_step(
    connection: Connection, sealer: Sealer, policy: Policy, party_id: int, step: int, now: datetime
) -> Any | None:
    """Use a code of this time step, which must be later than any used before; the grant, locked, or None."""
    later = update(authenticators).where(
        authenticators.c.party_id == party_id,
        authenticators.c.confirmed_at.is_not(None),
        authenticators.c.last_step < step,
    )
    used = connection.execute(later.values(last_step=step).returning(authenticators.c.party_id)).scalar_one_or_none()
    return None if used is None else grant_of(connection, sealer, policy, party_id, now)


def grant_of(connection: Connection, sealer: Sealer, policy: Policy, party_id: int, now: datetime) -> Any | None:
    """What a session of this party is opened of, locked; None if it may not enter, or was edited by hand."""
    mine = select(*GRANT).join(cases, cases.c.id == parties.c.case_id).where(parties.c.id == party_id)
    locked = mine.where(may_enter(policy)).with_for_update(key_share=True, of=parties)
    row = connection.execute(locked, days(policy, bureau_date(now))).one_or_none()
    return row if row is not None and contacts.is_intact(connection, sealer, row, now) else None


def use_paper(
    connection: Connection,
    sealer: Sealer,
    policy: Policy,
    hashes: Sequence[str],
    is_keypad: bool,
    party_ids: Collection[int],
    now: datetime,
) -> Any | None:
    """Use a line of paper of one of these parties, once; the grant, locked, or None.

    `hashes` are those of the code under all live keys.
    """
    column = paper_codes.c.keypad_hash if is_keypad else paper_codes.c.typed_hash
    found = select(paper_codes.c.id).where(column.in_(hashes), *_live(), paper_codes.c.party_id.in_(party_ids))
    line = update(paper_codes).where(paper_codes.c.id.in_(found.limit(1)), paper_codes.c.used_at.is_(None))
    used = line.values(used_at=_NOW).returning(paper_codes.c.party_id)
    party_id = connection.execute(used, {"now": now}).scalar_one_or_none()
    return None if party_id is None else grant_of(connection, sealer, policy, party_id, now)


def new_lines(
    connection: Connection, party_id: int, kind: str, lines: Sequence[PaperLine], now: datetime, expires_at: datetime
) -> int:
    """Store the lines of a new sheet, or of one code from the counter; those of that kind before them end.

    How many of that kind the party had before.
    """
    first = (paper_codes.c.party_id == party_id, paper_codes.c.kind == kind, paper_codes.c.line == 1)
    before = connection.execute(select(func.count()).where(*first)).scalar_one()
    end_paper(connection, party_id, now, kind)
    common = {"party_id": party_id, "kind": kind, "made_at": now, "expires_at": expires_at}
    rows = [{**common, "line": one.line, "typed_hash": one.typed_hash, "keypad_hash": one.keypad_hash} for one in lines]
    connection.execute(insert(paper_codes), rows)
    return before


def end_paper(connection: Connection, party_id: int, now: datetime, kind: str | None = None) -> None:
    """Use up the party's paper codes of this kind, or all of them."""
    mine = update(paper_codes).where(paper_codes.c.party_id == party_id, paper_codes.c.used_at.is_(None))
    mine = mine if kind is None else mine.where(paper_codes.c.kind == kind)
    connection.execute(mine.values(used_at=now))


def forget_old(connection: Connection, before: datetime) -> None:
    """Delete the paper codes that ended before this moment."""
    connection.execute(delete(paper_codes).where(paper_codes.c.expires_at < before))
