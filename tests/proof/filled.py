"""A database with one state of every case and every party, and a session of each of them, opened past all checks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from caseq.rules.case import bureau_date
from caseq.store.sealing import token_hash
from caseq.store.tables import audit, cases, milestones, parties, sessions
from tests import matrix
from tests.proof import law, worlds
from tests.service import Service, event, taking_everything


@dataclass
class Grant:
    """One party of one case, the token of its session, and what the law lets it read."""

    case: law.Record
    party: law.Record
    token: str
    narrowed: bool
    items: list[law.Record] = field(repr=False)
    name: tuple[str, str, str]


def fill(service: Service, state: str) -> list[Grant]:
    """Push the cases of every kind in this state with every party; each has a session."""
    today = bureau_date(service.clock())
    items = worlds.milestones(today)
    made: list[Grant] = []
    for n, kind in enumerate(matrix.KINDS):
        # A minor on the suspect's side changes the case for all others: those who are in that state have their own.
        for copy, among in enumerate((False, True)):
            case = worlds.a_case(f"A{n}{copy}", kind, state, today)
            of_case = [one for one in worlds.grants() if one[0] == kind and (one[2] == "a minor") is among]
            people = [worlds.a_party(f"P{n}.{i}", role, of, today) for i, (_, role, of) in enumerate(of_case)]
            for i, party in enumerate(people):
                party["data"]["party"] += f".{copy}"
                party["key"] = party["data"]["party"]
                made.append(Grant(case, party, f"token-{n}-{copy}-{i}", False, items, of_case[i]))
            others = _others(state, f"{n}{copy}", today)
            for grant in made[-len(people) :]:
                grant.narrowed = law.is_narrowed(case, [*people, *others])
            _push(service, kind, case, [*people, *others])
    _bar(service, made)
    _enter_milestones(service, items)
    _open_sessions(service, made)
    return made


def _others(state: str, mark: str, today: date) -> list[law.Record]:
    """The minor who is in the case of this state beside all others."""
    if state not in worlds.OTHERS:
        return []
    role, taken_back = worlds.OTHERS[state]
    other = worlds.a_party(f"other-{mark}", role, "a minor", today)
    return [{**other, "withdrawn": taken_back, "key": f"other-{mark}"}]


def _push(service: Service, kind: str, case: law.Record, people: list[law.Record]) -> None:
    """Push a case and its parties as a source does; what is withdrawn was pushed before."""
    of_case = {"case": case["number"], "source": kind, "time": service.clock().isoformat()}
    batch = [event("case", case["data"], **of_case), *(event("party", one["data"], **of_case) for one in people)]
    gone = [("party", one["key"]) for one in people if one["withdrawn"]]
    gone += [("case", case["number"])] if case["withdrawn"] else []
    batch += [event("withdrawal", {"record": what, "key": key}, sequence="2", **of_case) for what, key in gone]
    # Also roles that a case of this kind cannot have: nobody may read there, whatever got into the ledger.
    with taking_everything():
        assert set(service.outcomes(*batch, source=kind)) == {"accepted"}


def _bar(service: Service, grants: Iterable[Grant]) -> None:
    barred = [(one.party["key"], one.party["barred"]) for one in grants if one.party["barred"]]
    with service.runtime.database.transaction() as connection:
        for reason in sorted(set(worlds.BARRED.values())):
            keys = [key for key, why in barred if why == reason]
            connection.execute(update(parties).where(parties.c.key.in_(keys)).values(barred=reason))


def _enter_milestones(service: Service, items: list[law.Record]) -> None:
    """Write all milestones into every case, also those that its kind does not know: nobody may read them there."""
    with service.runtime.database.transaction() as connection:
        found = connection.execute(select(cases.c.id, cases.c.source)).all()
        rows = [_milestone(one, n, id_, source) for id_, source in found for n, one in enumerate(items)]
        connection.execute(insert(milestones), rows)


def _milestone(one: law.Record, n: int, case_id: int, source: str) -> dict[str, Any]:
    data = one["data"]
    return {
        "source": source,
        "key": f"{case_id}-{n}",
        "case_id": case_id,
        "name": data["name"],
        "subject": data["subject"],
        "occurred_on": law.day(data["occurred_on"]),
        "document_number": data["document_number"],
        "details": data["details"],
        "hidden_until": law.hidden_until(one),
        "hold_reason": (data.get("hold") or {}).get("reason"),
        "tell_first": bool(data.get("tell_first")),
        "sequence": "1",
        "formed_at": one["released_at"],
        "released_at": one["released_at"],
        "line_since": one["line_since"],
        "withdrawn": one["withdrawn"],
    }


def _open_sessions(service: Service, grants: list[Grant]) -> None:
    """A session of every party, as if each had got in: the query must ask again."""
    now: datetime = service.clock()
    with service.runtime.database.transaction() as connection:
        wanted = select(parties.c.key, parties.c.id, parties.c.case_id, parties.c.role, parties.c.subject)
        found = {row.key: row for row in connection.execute(wanted)}
        rows = [
            {
                "id": id_,
                "token_hash": token_hash(grant.token),
                "party_id": found[grant.party["key"]].id,
                "case_id": found[grant.party["key"]].case_id,
                "role": found[grant.party["key"]].role,
                "subject": found[grant.party["key"]].subject,
                "started_at": now,
                "ends_at": now + timedelta(hours=1),
            }
            for id_, grant in enumerate(grants, start=1)
        ]
        connection.execute(insert(sessions), rows)
        connection.execute(insert(audit), [{"at": now, "act": "login", "session_id": row["id"]} for row in rows])
