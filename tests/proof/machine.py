"""The service beside the world of world.py: pushes go to both, and every channel of the service must agree with it."""

import secrets
from collections import Counter
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from caseq.granting import Deed, Widened, do, widen
from caseq.rules.codes import MOST_GRANTS
from caseq.rules.numbers import lookup_key, mobile
from caseq.store import auditing, logins
from caseq.store import sessions as session_store
from caseq.store.tables import outbox, parties
from caseq.texting.composing import NOTHING_NEW
from tests.conftest import emptied
from tests.proof import law, values
from tests.proof.world import Key, World
from tests.service import NOON, Service, digits_of, event

IDLE, LIFE = timedelta(minutes=15), timedelta(hours=2)


@dataclass
class Session:
    """A session as it was opened, when it was last used, and what its pages showed then."""

    token: str
    key: Key
    grant: tuple[Key, str, str | None]
    used_at: datetime
    ends_at: datetime
    pages: object = None


class Pair:
    """A service on an empty database and the world that it must agree with."""

    def __init__(self, service: Service) -> None:
        with service.runtime.database.transaction() as connection:
            emptied(connection)
        service.clock.now = NOON
        self.service = service
        self.world = World(service.clock)
        self.sessions: list[Session] = []
        self.sequence = 0
        self.heard = len(service.messages())
        self.last_news = 0
        self.news = service.runtime.settings.wording.written("news", "zh", {}).text

    # Doing the same to both

    def push(self, source: str, *events: tuple[str, str, dict[str, Any]], days_ago: int = 0) -> None:
        """Push (type, case number, data) of one source; outcomes and SMS must be those of the world."""
        formed_at = (self.service.clock() - timedelta(days=days_ago)).isoformat()
        batch = []
        for type_, number, data in events:
            self.sequence += 1
            about = {"case": number, "source": source, "sequence": f"{self.sequence:06d}", "time": formed_at}
            batch.append(event(type_, data, **about))
        self.push_raw(source, batch)

    def push_raw(self, source: str, batch: list[dict[str, Any]]) -> None:
        views = {key: law.comparable(self.world.view(key)) for key in self.world.parties}
        outcomes, told = self.world.push(source, batch)
        assert self.service.outcomes(*batch, source=source) == outcomes
        self.service.work()
        self._compare_news(told, views)
        self._open_sessions()

    def _compare_news(self, told: Counter[str], before: dict[Key, law.View | None]) -> None:
        """What the outbox has told must be the world's news; one SMS a party tells all of it, and none if the page of
        the party is in the end as it was before the push."""
        rows = self._new_news()
        phones = {key: mobile(self.world.parties[key]["data"]["phone"]) or "" for key in {key for key, _ in rows}}
        news = Counter(phones[key].removeprefix("+86") for key, state in rows if state != "nothing new")
        unchanged = Counter(phones[key].removeprefix("+86") for key, state in rows if state == "nothing new")
        assert news + unchanged == told, (rows, told)
        sent = Counter((phones[key].removeprefix("+86"), self.news) for key, state in rows if state == "sent")
        assert self.new_messages() == sent
        for key in {key for key, _ in rows}:
            states = [state for other, state in rows if other == key]
            assert states.count("sent") == (0 if set(states) == {"nothing new"} else 1), states
            if set(states) == {"nothing new"}:
                assert law.comparable(self.world.view(key)) == before.get(key)

    def _new_news(self) -> list[tuple[Key, str]]:
        """The news since the last call that were not dropped because nobody could hear them: of whom, and how they
        ended. What waits to be told in person is taken away: this world knows nothing of it."""
        wanted = select(outbox.c.id, parties.c.source, parties.c.key, outbox.c.state, outbox.c.reason)
        wanted = wanted.join(parties, parties.c.id == outbox.c.party_id).where(outbox.c.purpose == "news")
        with self.service.runtime.database.transaction() as connection:
            connection.execute(delete(outbox).where(outbox.c.state == "held"))
            rows = connection.execute(wanted.where(outbox.c.id > self.last_news).order_by(outbox.c.id)).all()
        self.last_news = max((row.id for row in rows), default=self.last_news)
        ends = {row.id: "nothing new" if row.reason == NOTHING_NEW else row.state for row in rows}
        return [((row.source, row.key), ends[row.id]) for row in rows if ends[row.id] != "dropped"]

    def staff(self, key: Key, deed: Deed) -> None:
        """Take a grant away or confirm it; the world knows it as barred or not."""
        party = self.world.parties[key]
        case = self.world.cases[party["case"]]
        done = do(self.service.runtime, deed, case["number"], key[1], "窗口民警", "出示证件")
        if not case["withdrawn"] and not party["withdrawn"]:
            assert done is not None
            party["barred"] = "revoked" if deed is Deed.REVOKE else None
            if deed is Deed.REVOKE:
                self.sessions = [one for one in self.sessions if one.key != key]
        else:
            assert done is None

    def widen(self, at: Key) -> None:
        """Staff say of a case that no minor was a suspect in it."""
        live_elsewhere = any(
            key[1] == at[1] and key != at and not case["withdrawn"] for key, case in self.world.cases.items()
        )
        if not (self.world.cases[at]["withdrawn"] and live_elsewhere):
            done = widen(self.service.runtime, at[1], "法制大队", "登记错误")
            assert (done is Widened.DONE) is self.world.widen(at), done

    def new_messages(self) -> Counter[tuple[str, str]]:
        """What was sent since the last call: (telephone number, text)."""
        lines = self.service.lines()[self.heard :]
        self.heard += len(lines)
        return Counter((line["to"].removeprefix("+86"), line["text"]) for line in lines)

    # Comparing the channels

    def _open_sessions(self) -> None:
        """A session for every grant that has none yet, whether or not it lets anybody in: the query must ask again."""
        known = {(one.key, one.grant) for one in self.sessions}
        missing = [key for key in self.world.parties if (key, self._grant(key)) not in known]
        if not missing:
            return
        runtime, now = self.service.runtime, self.service.clock()
        columns = (parties.c.id.label("party_id"), parties.c.case_id, parties.c.role, parties.c.subject)
        with runtime.database.transaction() as connection:
            for source, key in missing:
                row = connection.execute(select(*columns).where(parties.c.source == source, parties.c.key == key)).one()
                token = secrets.token_urlsafe(32)
                session_id = session_store.open_session(connection, token, row, now, LIFE, 10**6)
                ids = {"session_id": session_id, "party_id": row.party_id, "case_id": row.case_id}
                auditing.record(connection, "login", now, **ids)
                self.sessions.append(Session(token, (source, key), self._grant((source, key)), now, now + LIFE))

    def _grant(self, key: Key) -> tuple[Key, str, str | None]:
        party = self.world.parties[key]
        return party["case"], party["data"]["role"], party["data"].get("subject")

    def expected(self, session: Session) -> law.View | None:
        """What a session shows by the world, now."""
        now = self.service.clock()
        is_over = now >= session.ends_at or now - session.used_at >= IDLE
        return None if is_over or session.grant != self._grant(session.key) else self.world.view(session.key)

    def compare_views(self) -> None:
        """The JSON view of every session, and its pages in both languages whenever the view must be another one."""
        for session in list(self.sessions):
            expected = self.expected(session)
            body = self.service.view(session.token)
            assert law.comparable(body) == law.comparable(expected), session
            if body is None or expected is None:
                self._compare_pages(session, None)
                if self.service.clock() - session.used_at >= IDLE or session.grant != self._grant(session.key):
                    self.sessions.remove(session)
                continue
            assert law.is_newest_first(body)
            spoke = self.world.spoke[session.key[0]].astimezone(law.BUREAU)
            assert body["as_of"] == spoke.isoformat(timespec="seconds")
            session.used_at = self.service.clock()
            self._compare_pages(session, expected)
        self._open_sessions()

    def _compare_pages(self, session: Session, expected: law.View | None) -> None:
        shown = law.canonical(expected)
        if session.pages == shown:
            return
        session.pages = shown
        for language in ("zh", "en"):
            client = self.service.client
            client.set_cookie("caseq", session.token, domain="127.0.0.1")
            answer = client.get(f"/case?lang={language}", base_url="http://127.0.0.1")
            assert (answer.status_code == 200) is (expected is not None)
            assert values.found(answer.get_data(as_text=True)) == values.found(shown), (language, session)

    def compare_logins(self, phones: tuple[str, ...], numbers: tuple[str, ...]) -> None:
        """Whom every telephone finds by every number."""
        runtime, now = self.service.runtime, self.service.clock()
        with runtime.database.autocommit() as connection:
            of_id = {row.id: (row.source, row.key) for row in connection.execute(select(parties))}
            for phone, number in ((phone, number) for phone in phones for number in numbers):
                asked = logins.Challenge(0, "", "zh", lookup_key(number), mobile(phone), frozenset(), "", now, now)
                found = logins.reachable(connection, runtime.sealer, runtime.settings.policy, asked, now, 50)
                keys = [of_id[one.party_id] for one in found]
                assert keys == self.world.found_by(phone, number), (phone, number)

    def log_in(self, phone: str, number: str) -> None:
        """Ask for a code as anybody can; each code that comes opens one grant of the world, and nothing else comes."""
        service = self.service
        asked = service.client.post("/api/v1/codes", json={"case_number": number, "phone": phone})
        service.work()
        sent = self.new_messages()
        wanted = self.world.found_by(phone, number)[:MOST_GRANTS]
        assert {to for to, _ in sent} <= {phone}
        codes = [digits_of(text) for _, text in sent]
        assert len(codes) == len(wanted)
        assert not any(values.found(text) or number in text for _, text in sent)
        opened = [self._enter(asked.get_json()["challenge"], code) for code in codes]
        views = [law.comparable(self.world.view(key)) for key in wanted]
        assert sorted(map(law.canonical, opened)) == sorted(map(law.canonical, views))

    def _enter(self, challenge: str, code: str) -> law.View | None:
        answer = self.service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
        return law.comparable(self.service.view(answer.get_json()["token"]))


def unlimited(service: Service) -> Service:
    """The service without the limits that only slow a test down: of requests, of codes a day and between codes."""
    settings = service.runtime.settings
    login = replace(settings.login, pauses_seconds=(0,), sessions_at_once=10**6)
    most = {field.name: 10**6 for field in fields(settings.codes)}
    codes = replace(settings.codes, **{**most, "kept_for_known": 0})
    guesses = replace(settings.guesses, **{field.name: 10**9 for field in fields(settings.guesses)})
    service.runtime = replace(service.runtime, settings=replace(settings, login=login, codes=codes, guesses=guesses))
    for limiter in service.app.extensions["limiter"]:
        limiter.enabled = False
    return service
