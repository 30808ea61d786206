"""Ratings: one of a party in a month, the last one counts; and the figures of ratings and complaints over a span."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, select, true, update

from caseq.store.database import insert_into
from caseq.store.sealing import Sealer, bound
from caseq.store.tables import cases, complaints, ratings


def purpose_of(party_id: int, month: str) -> str:
    """What the text of a rating is sealed for: it opens in its row only."""
    return bound("ratings.text", party_id, month)


@dataclass(frozen=True, slots=True)
class Rating:
    """What a party thought in one month ("2026-11"), from 1 to 5, and why; "" if it did not say, or long ago."""

    month: str
    score: int
    text: str = field(repr=False)
    at: datetime


def rate(
    connection: Connection, sealer: Sealer, party_id: int, case_id: int, unit_code: str | None, rating: Rating
) -> None:
    """Keep the rating in place of one of the same month."""
    sealed = sealer.seal(purpose_of(party_id, rating.month), rating.text.encode()) if rating.text else None
    said = {"score": rating.score, "text_sealed": sealed, "at": rating.at, "case_id": case_id, "unit_code": unit_code}
    statement = insert_into(connection, ratings).values(party_id=party_id, month=rating.month, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["party_id", "month"], set_=said))


def rating_of(connection: Connection, sealer: Sealer, party_id: int, case_id: int, month: str) -> Rating | None:
    """What the party said of this case in this month."""
    mine = (ratings.c.party_id == party_id, ratings.c.case_id == case_id, ratings.c.month == month)
    row = connection.execute(select(ratings).where(*mine)).one_or_none()
    if row is None:
        return None
    text = sealer.unseal(purpose_of(party_id, month), row.text_sealed).decode() if row.text_sealed else ""
    return Rating(month, row.score, text, row.at)


@dataclass(frozen=True, slots=True)
class OfUnit:
    """How often the parties of one unit's cases gave each score."""

    unit_code: str | None
    unit_name: str
    scores: Mapping[int, int]

    @property
    def count(self) -> int:
        return sum(self.scores.values())

    @property
    def average(self) -> float:
        return sum(score * count for score, count in self.scores.items()) / self.count


def by_unit(connection: Connection, since: datetime, until: datetime, unit: str | None = None) -> Sequence[OfUnit]:
    """The ratings of this span by unit, or of the one with this code; a unit goes by the name it had last."""
    name = func.max(cases.c.unit_name)
    wanted = select(ratings.c.unit_code, ratings.c.score, func.count(), name).join(
        cases, cases.c.id == ratings.c.case_id
    )
    wanted = wanted.where(ratings.c.at >= since, ratings.c.at < until, _of(ratings.c.unit_code, unit))
    found: dict[str | None, tuple[str, dict[int, int]]] = {}
    for code, score, count, named in connection.execute(wanted.group_by(ratings.c.unit_code, ratings.c.score)):
        found.setdefault(code, (named, {}))[1][score] = count
    return [OfUnit(code, found[code][0], found[code][1]) for code in sorted(found, key=lambda code: code or "")]


@dataclass(frozen=True, slots=True)
class Said:
    """The words beside a rating, of nobody: no case and no role stands with them."""

    unit_code: str | None
    month: str
    score: int
    text: str = field(repr=False)


def last_words(connection: Connection, sealer: Sealer, unit: str | None, most: int) -> Sequence[Said]:
    """What was last written beside ratings, newest first."""
    wanted = select(ratings).where(ratings.c.text_sealed.is_not(None), _of(ratings.c.unit_code, unit))
    rows = connection.execute(wanted.order_by(ratings.c.at.desc(), ratings.c.id.desc()).limit(most))
    return [
        Said(
            row.unit_code,
            row.month,
            row.score,
            sealer.unseal(purpose_of(row.party_id, row.month), row.text_sealed).decode(),
        )
        for row in rows
    ]


def forget_texts(connection: Connection, before: datetime) -> None:
    """Forget what was written beside ratings before this moment; the scores stay."""
    old = update(ratings).where(ratings.c.at < before, ratings.c.text_sealed.is_not(None))
    connection.execute(old.values(text_sealed=None))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many complaints of one kind there are: what about, in which state, and whether the unit answered in time;
    `in_time` is None where it has not answered (yet)."""

    about: str
    state: str
    in_time: bool | None
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Ratings by score, and complaints by what they are about, their state and whether they were answered in time."""

    ratings: Mapping[int, int]
    complaints: Sequence[Counted]

    @property
    def average(self) -> float | None:
        count = sum(self.ratings.values())
        return sum(score * of_it for score, of_it in self.ratings.items()) / count if count else None


def figures(connection: Connection, since: datetime, until: datetime, unit: str | None = None) -> Figures:
    """What was said from `since` up to, but not at, `until`: of all units, or of the one with this code."""
    rated = select(ratings.c.score, func.count()).where(ratings.c.at >= since, ratings.c.at < until)
    scores = connection.execute(rated.where(_of(ratings.c.unit_code, unit)).group_by(ratings.c.score))
    in_time = case(
        (complaints.c.answered_at.is_(None), -1), (complaints.c.answered_at < complaints.c.due_at, 1), else_=0
    )
    kinds = (complaints.c.about, complaints.c.state, in_time.label("in_time"))
    made = select(*kinds, func.count()).where(complaints.c.at >= since, complaints.c.at < until)
    made = made.where(_of(complaints.c.unit_code, unit)).group_by(complaints.c.about, complaints.c.state, "in_time")
    counted = [
        Counted(about, state, None if answered < 0 else bool(answered), count)
        for about, state, answered, count in connection.execute(made.order_by(complaints.c.about, complaints.c.state))
    ]
    return Figures(dict(map(tuple, scores)), counted)


def _of(column: ColumnElement[str | None], unit: str | None) -> ColumnElement[bool]:
    return true() if unit is None else column == unit
