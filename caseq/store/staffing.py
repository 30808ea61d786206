"""Accounts of the bureau's people, their sessions at the console, and wrong sign-ins in a row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select, update

from caseq.rules.duties import Staff, StaffRole
from caseq.store.database import insert_into
from caseq.store.sealing import Sealer, bound, token_hash
from caseq.store.staff_tables import TOTP
from caseq.store.tables import staff, staff_failures, staff_sessions


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is not disabled; `secret` is that of its app, `has_app` whether it was ever proven."""

    staff: Staff
    password_hash: str = field(repr=False)
    secret: bytes | None = field(repr=False)
    has_app: bool
    must_change: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as administrators see it."""

    staff: Staff
    has_app: bool
    made_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose session it is, and when both factors were last shown in it."""

    staff: Staff
    proven_at: datetime


def add(connection: Connection, new: Staff, password_hash: str, now: datetime) -> Staff | None:
    """Make an account that begins with this password and no app (`new.id` is not read); None if the badge has one."""
    row = {"badge": new.badge, "name": new.name, "role": new.role.value, "unit": new.unit, "made_at": now}
    first = {"password_hash": password_hash, "must_change": True, "totp_last_step": 0}
    once = insert_into(connection, staff).values(**row, **first).on_conflict_do_nothing(index_elements=["badge"])
    made = connection.execute(once.returning(staff)).one_or_none()
    return None if made is None else person(made)


def listed(connection: Connection) -> Sequence[Listed]:
    """Every account there is or was, by badge."""
    rows = connection.execute(select(staff).order_by(staff.c.badge))
    return [Listed(person(row), row.totp_confirmed_at is not None, row.made_at, row.disabled_at) for row in rows]


def by_badge(connection: Connection, sealer: Sealer, badge: str) -> Account | None:
    """The account with this badge, None if there is none or it is disabled."""
    wanted = select(staff).where(staff.c.badge == badge, staff.c.disabled_at.is_(None))
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _account(sealer, row)


def by_id(connection: Connection, sealer: Sealer, staff_id: int) -> Account | None:
    """The account with this id, None if there is none or it is disabled."""
    wanted = select(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None))
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _account(sealer, row)


def disable(connection: Connection, staff_id: int, now: datetime) -> bool:
    """End an account and every session of it; whether it was not ended before."""
    mine = update(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None)).values(disabled_at=now)
    ended = connection.execute(mine.returning(staff.c.id)).first() is not None
    end_sessions(connection, staff_id)
    return ended


def begin_anew(connection: Connection, staff_id: int, password_hash: str) -> bool:
    """Give an account a first password again and take its app away; whether there is such an account."""
    mine = update(staff).where(staff.c.id == staff_id, staff.c.disabled_at.is_(None))
    anew = mine.values(password_hash=password_hash, must_change=True, totp_sealed=None, totp_confirmed_at=None)
    end_sessions(connection, staff_id)
    return connection.execute(anew.returning(staff.c.id)).first() is not None


def keep_secret(connection: Connection, sealer: Sealer, account: Account, secret: bytes) -> None:
    """Keep the secret of an app that has still to be proven; a proven one stays."""
    sealed = sealer.seal(bound(TOTP, account.staff.badge), secret)
    mine = update(staff).where(staff.c.id == account.staff.id, staff.c.totp_confirmed_at.is_(None))
    connection.execute(mine.values(totp_sealed=sealed, totp_last_step=0))


def enrol(connection: Connection, staff_id: int, step: int, password_hash: str, now: datetime) -> bool:
    """Take the app, whose code of this step was shown, and the own password; False if that was done already."""
    mine = update(staff).where(
        staff.c.id == staff_id, staff.c.totp_confirmed_at.is_(None), staff.c.disabled_at.is_(None)
    )
    values = {"totp_confirmed_at": now, "totp_last_step": step, "must_change": False, "password_hash": password_hash}
    return connection.execute(mine.values(**values).returning(staff.c.id)).first() is not None


def use_step(connection: Connection, staff_id: int, step: int) -> bool:
    """Use up the app's code of this step; False if it, or a later one, was used already."""
    unused = update(staff).where(
        staff.c.id == staff_id,
        staff.c.totp_last_step < step,
        staff.c.totp_confirmed_at.is_not(None),
        staff.c.disabled_at.is_(None),
    )
    return connection.execute(unused.values(totp_last_step=step).returning(staff.c.id)).first() is not None


def open_session(connection: Connection, staff_id: int, token: str, now: datetime, life: timedelta) -> None:
    row = {"token_hash": token_hash(token), "staff_id": staff_id, "started_at": now, "last_act_at": now}
    connection.execute(insert(staff_sessions), {**row, "proven_at": now, "ends_at": now + life})


def touch(connection: Connection, token: str, now: datetime, idle: timedelta) -> SignedIn | None:
    """Whose session this is, which goes on from now; None if there is none any more, or the account is disabled."""
    live = update(staff_sessions).where(
        staff_sessions.c.token_hash == token_hash(token),
        staff_sessions.c.ends_at > now,
        staff_sessions.c.last_act_at > now - idle,
    )
    going_on = live.values(last_act_at=now).returning(staff_sessions.c.staff_id, staff_sessions.c.proven_at)
    row = connection.execute(going_on).one_or_none()
    if row is None:
        return None
    wanted = select(staff).where(staff.c.id == row.staff_id, staff.c.disabled_at.is_(None))
    whose = connection.execute(wanted).one_or_none()
    return None if whose is None else SignedIn(person(whose), row.proven_at)


def prove(connection: Connection, token: str, now: datetime) -> None:
    """Note that both factors were shown again in this session."""
    mine = update(staff_sessions).where(staff_sessions.c.token_hash == token_hash(token))
    connection.execute(mine.values(proven_at=now))


def end_session(connection: Connection, token: str) -> int | None:
    """End a session; whose it was, None if there was none."""
    ended = delete(staff_sessions).where(staff_sessions.c.token_hash == token_hash(token))
    return connection.execute(ended.returning(staff_sessions.c.staff_id)).scalar_one_or_none()


def end_sessions(connection: Connection, staff_id: int) -> None:
    connection.execute(delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))


def forget_sessions(connection: Connection, now: datetime) -> None:
    """Forget the sessions that are over, and who was wrong a day ago."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.ends_at <= now))
    connection.execute(delete(staff_failures).where(staff_failures.c.not_before < now - timedelta(days=1)))


def count_try(connection: Connection, who_hash: str, now: datetime) -> int | None:
    """Count a try of this account and network before it is looked at; how many in a row, None while they wait."""
    first = insert_into(connection, staff_failures).values(who_hash=who_hash, in_a_row=1, not_before=now)
    counted = first.on_conflict_do_update(
        index_elements=["who_hash"],
        set_={"in_a_row": staff_failures.c.in_a_row + 1},
        where=staff_failures.c.not_before <= now,
    )
    return connection.execute(counted.returning(staff_failures.c.in_a_row)).scalar_one_or_none()


def wait_until(connection: Connection, who_hash: str, moment: datetime) -> None:
    """Take no try of this account and network before this moment."""
    mine = update(staff_failures).where(staff_failures.c.who_hash == who_hash)
    connection.execute(mine.values(not_before=moment))


def forget_tries(connection: Connection, who_hash: str) -> None:
    connection.execute(delete(staff_failures).where(staff_failures.c.who_hash == who_hash))


def person(row: Row[tuple[object, ...]]) -> Staff:
    """One of the staff, from a row of the table."""
    return Staff(row.id, row.badge, row.name, StaffRole(row.role), row.unit)


def _account(sealer: Sealer, row: Row[tuple[object, ...]]) -> Account:
    secret = sealer.unseal(bound(TOTP, row.badge), row.totp_sealed) if row.totp_sealed else None
    return Account(person(row), row.password_hash, secret, row.totp_confirmed_at is not None, row.must_change)
