"""What staff have to do by hand is not forgotten because something like it was done before."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from caseq.errors import Rejected
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.rules.telling import Channel, Line, Manner
from caseq.store import attempts, tasks
from caseq.store.tables import outbox
from caseq.texting import tracing
from tests.service import PHONE, Service, case, event, milestone, party

OTHER = "19987654321"


def by_staff(service: Service) -> Service:
    """The service, with a table by which staff tell everything themselves."""
    told = Line(None, None, Manner(Channel.IN_PERSON, timedelta(), None, tell_first=False))
    settings = replace(service.runtime.settings, telling=(told,))
    return Service(replace(service.runtime, settings=settings), service.clock, service.gateway)


def waiting(service: Service) -> list[tuple[str, str, str | None]]:
    with service.runtime.database.autocommit() as connection:
        return [(task.kind, task.reason, task.party) for task in tasks.waiting(connection)]


def all_done(service: Service) -> None:
    with service.runtime.database.transaction() as connection:
        for task in tasks.waiting(connection):
            tasks.finish(connection, task.id, "x", "told", service.clock())


def test_a_correction_of_what_staff_told_is_to_be_told_again(service):
    service = by_staff(service)
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    told = [task for task in waiting(service) if task[1] == "staff tell it"]
    all_done(service)
    assert told
    assert waiting(service) == []
    service.push(event("milestone", milestone(occurred_on="2026-11-21"), sequence="2"))
    assert waiting(service) == [("tell", "staff tell it", "P-victim")]
    service.push(event("milestone", milestone(occurred_on="2026-11-20"), sequence="3"))
    assert len(waiting(service)) == 1


def heard(service: Service, message_id: int, failure: Failure) -> None:
    """Its provider says that this message did not arrive."""
    with service.runtime.database.autocommit() as connection:
        call = attempts.of_messages(connection, [message_id])[message_id][-1]
    assert call is not None
    receipt = Receipt(call.provider_id or "", Status.FAILED, "E1", failure)
    assert tracing.hear(service.runtime, "file", attempts.key_of(call.id), receipt)


def of_purpose(service: Service, purpose: str) -> list[tuple[int, str, str | None]]:
    with service.runtime.database.autocommit() as connection:
        wanted = select(outbox.c.id, outbox.c.state, outbox.c.reason).where(outbox.c.purpose == purpose)
        return [tuple(row) for row in connection.execute(wanted.order_by(outbox.c.id))]


def test_a_notice_to_a_former_number_never_goes_to_the_number_of_now(service):
    """Tried again it goes to the former number again: the number of now it would tell of something else."""
    service.push(event("case", case()), event("party", party()))
    service.push(event("party", party(phone=OTHER), sequence="2"))
    service.work()
    ((notice, *_),) = of_purpose(service, "number")
    heard(service, notice, Failure.LATER)
    service.clock.advance(days=1)
    service.work()
    assert {line["to"] for line in service.gateway.messages()} == {f"+86{PHONE}"}
    assert [state for _, state, _ in of_purpose(service, "number")] == ["sent"]


def test_everybody_whose_number_is_dead_is_called_about_what_came_since(service):
    """Two cases, one telephone: its provider says only once that it takes no messages."""
    there = "A6401215100002026110099"
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    service.push(event("case", case(), case=there), event("party", party(key="P2"), case=there))
    service.work()
    (first, *_) = of_purpose(service, "news")
    heard(service, first[0], Failure.NUMBER)
    assert waiting(service) == [("call", "number takes no messages: E1", "P-victim")]
    service.push(event("milestone", milestone(key="M2"), case=there))
    service.work()
    assert of_purpose(service, "news")[-1][1:] == ("dropped", "number takes no messages")
    assert waiting(service)[1:] == [("call", "number takes no messages", "P2")]
    all_done(service)
    service.push(event("milestone", milestone("case_solved"), case=there), event("milestone", milestone("arrest")))
    service.work()
    assert waiting(service) == [("call", "number takes no messages", "P2")]


def test_a_code_of_a_provider_that_is_too_long_for_its_column_stops_nobody(service, monkeypatch):
    """PostgreSQL refuses what SQLite takes, and a worker that cannot record stops for all."""

    def refuse(_):
        raise Rejected("isv." + "x" * 300)

    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    with monkeypatch.context() as patched:
        patched.setattr(service.gateway, "send", refuse)
        service.work()
    ((_, state, reason),) = of_purpose(service, "news")
    assert (state, (reason or "")[:5]) == ("failed", "isv.x")
    assert Receipt("id", Status.FAILED, "y" * 300).code == "y" * 80
