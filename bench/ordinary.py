"""The same query as most Flask programs would write it: ORM objects, a marshmallow dump, flask-limiter, an audit row.

Every step is a choice that tutorials make; nothing is slowed down on purpose. It gives the bytes of the service.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from flask import Flask, Response, request
from flask import json as flask_json
from flask_limiter import Limiter
from marshmallow import Schema, fields, post_dump
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Session, relationship

from bench.databases import SQLITE_PRAGMAS
from caseq.rules.case import BUREAU_TIME, COMMON_FIELDS
from caseq.settings import Settings
from caseq.store import tables


class Base(DeclarativeBase):
    metadata = tables.metadata


class SourceRecord(Base):
    __table__ = tables.sources


class Milestone(Base):
    __table__ = tables.milestones


class Case(Base):
    __table__ = tables.cases
    milestones = relationship(Milestone)
    pushed_by = relationship(SourceRecord)


class Party(Base):
    __table__ = tables.parties
    case = relationship(Case)


class LoginSession(Base):
    __table__ = tables.sessions
    party = relationship(Party)


class Audit(Base):
    __table__ = tables.audit


class History(Base):
    __table__ = tables.history


class Received(Base):
    __table__ = tables.received


class Moment(fields.Field[datetime]):
    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        return value.astimezone(BUREAU_TIME).isoformat(timespec="seconds") if value else None


class UnitSchema(Schema):
    name = fields.String()
    address = fields.String()
    phone = fields.String()
    clause = fields.String()


class RightSchema(Schema):
    title = fields.String()
    text = fields.String()


class MilestoneSchema(Schema):
    name = fields.String()
    occurred_on = fields.Date()
    document_number = fields.String()
    details = fields.Dict()
    released_at = Moment()
    clause = fields.String()

    @post_dump
    def without_empty(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value}


class CaseSchema(Schema):
    case_number = fields.String()
    kind = fields.String()
    role = fields.String()
    as_of = Moment()
    source_silent = fields.Boolean()
    unit = fields.Nested(UnitSchema)
    rights = fields.List(fields.Nested(RightSchema))
    rights_clause = fields.String()
    milestones = fields.List(fields.Nested(MilestoneSchema))
    policy = fields.String()


def engine_for(url: str) -> Any:
    """An engine with its defaults, but for the pragmas that keep SQLite as safe as the service keeps it."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            for pragma in SQLITE_PRAGMAS:
                connection.execute(pragma)

    return engine


def create_app(settings: Settings) -> Flask:
    """The application."""
    engine = engine_for(settings.database_url)
    app = Flask("ordinary")
    Limiter(lambda: request.remote_addr or "", app=app, default_limits=["1000000 per minute"], storage_uri="memory://")
    schema = CaseSchema()

    @app.get("/api/v1/case")
    def case() -> Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with Session(engine) as db:
            body = _read(db, settings, token)
            if body is None:
                return Response(status=401)
            text = flask_json.dumps(schema.dump(body), ensure_ascii=False, separators=(",", ":"))
            db.commit()
        response = Response(text, mimetype="application/json")
        response.set_etag(sha256(response.get_data()).hexdigest()[:32])
        return response.make_conditional(request)

    return app


def _read(db: Session, settings: Settings, token: str) -> dict[str, Any] | None:
    now = datetime.now(UTC)
    today = now.astimezone(BUREAU_TIME).date()
    digest = sha256(token.encode()).hexdigest()
    login = db.scalar(select(LoginSession).where(LoginSession.token_hash == digest, LoginSession.ends_at > now))
    if login is None:
        return None
    last = db.scalar(select(func.max(Audit.at)).where(Audit.session_id == login.id))
    party, case = login.party, login.party.case
    if last is None or last <= now - settings.login.session_idle or not _may_enter(settings, party, case, login, today):
        return None
    db.add(Audit(at=now, act="view", session_id=login.id, party_id=party.id, case_id=case.id))
    return _body(settings, party, case, now, today)


def _may_enter(settings: Settings, party: Any, case: Any, login: Any, today: date) -> bool:
    if party.withdrawn or case.withdrawn or case.state == "withheld" or party.role != login.role:
        return False
    if not settings.policy.is_online(case.kind, party.role):
        return False
    return (party.valid_from or today) <= today <= (party.valid_until or today)


def _body(settings: Settings, party: Any, case: Any, now: datetime, today: date) -> dict[str, Any]:
    grant = settings.policy.grant(case.kind, party.role)
    assert grant.unit is not None
    seen = [
        milestone
        for milestone in case.milestones
        if not milestone.withdrawn
        and milestone.name in grant.milestones
        and (milestone.hidden_until is None or milestone.hidden_until < today)
    ]
    seen.sort(key=lambda milestone: (milestone.occurred_on or date.min, milestone.released_at), reverse=True)
    as_of = case.pushed_by.last_push_at
    return {
        "case_number": case.number,
        "kind": case.kind,
        "role": party.role,
        "as_of": as_of,
        "source_silent": now - as_of > settings.sources[case.source].silence.latest,
        "unit": {**{name: getattr(case, f"unit_{name}") for name in grant.unit.fields}, "clause": grant.unit.clause},
        "rights": settings.rights.get((case.kind, party.role, "zh"), ()),
        "rights_clause": grant.rights.clause if grant.rights else None,
        "milestones": [_milestone(milestone, grant.milestones[milestone.name]) for milestone in seen],
        "policy": settings.policy.name,
    }


def _milestone(milestone: Any, rule: Any) -> dict[str, Any]:
    common = {name: getattr(milestone, name) for name in rule.fields if name in COMMON_FIELDS}
    details = {name: milestone.details.get(name) for name in rule.fields if name not in COMMON_FIELDS}
    return {
        "name": milestone.name,
        **common,
        "details": {name: value for name, value in details.items() if value is not None},
        "released_at": milestone.released_at,
        "clause": rule.clause,
    }


def store_milestones(
    db: Session, source: str, events: Sequence[Mapping[str, Any]], case_ids: Mapping[str, int]
) -> None:
    """Store milestone events one by one, each looked up before it is added, all in one commit."""
    now = datetime.now(UTC)
    for raw in events:
        data = raw["data"]
        if db.get(Received, (source, raw["id"])) is not None:
            continue
        known = db.scalar(select(Milestone).where(Milestone.source == source, Milestone.key == data["milestone"]))
        if known is not None and raw["sequence"] <= known.sequence:
            continue
        row = known or Milestone(source=source, key=data["milestone"])
        for name, value in milestone_values(raw, case_ids, now).items():
            setattr(row, name, value)
        db.add(row)
        db.add(Received(source=source, event_id=raw["id"], received_at=now))
        db.add(_history(source, raw, case_ids, now))
        db.flush()
    db.commit()


def milestone_values(raw: Mapping[str, Any], case_ids: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """The columns of a milestone but for source and key."""
    data = raw["data"]
    return {
        "case_id": case_ids[raw["subject"]],
        "name": data["name"],
        "subject": data.get("subject"),
        "occurred_on": date.fromisoformat(data["occurred_on"]),
        "document_number": data.get("document_number"),
        "details": data.get("details") or {},
        "hidden_until": None,
        "hold_reason": None,
        "tell_first": False,
        "sequence": raw["sequence"],
        "formed_at": datetime.fromisoformat(raw["time"]),
        "released_at": now,
        "withdrawn": False,
    }


def _history(source: str, raw: Mapping[str, Any], case_ids: Mapping[str, int], now: datetime) -> History:
    return History(
        source=source,
        event_id=raw["id"],
        record="milestone",
        key=raw["data"]["milestone"],
        case_id=case_ids[raw["subject"]],
        sequence=raw["sequence"],
        formed_at=datetime.fromisoformat(raw["time"]),
        received_at=now,
        withdrawal=False,
        state_sealed=flask_json.dumps(raw["data"]),
    )
