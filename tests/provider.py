"""A provider of messages in this process, whose receipts and faults a test chooses one by one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from caseq.errors import OutcomeUnknown
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.sms.gateway import Accepted, Sms
from caseq.store.attempts import id_of
from caseq.store.outbox import Lane
from caseq.store.tables import attempts, outbox
from caseq.texting import sending, tracing
from caseq.texting.sending import Ready
from tests.service import Service


@dataclass
class Provider:
    """A gateway. Every message is taken, unless `faults` has an error for it; `is_lost`: what is taken
    is not acknowledged; `lists`: whether a search finds what was taken."""

    name: str
    taken: list[Sms] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    is_lost: bool = False
    lists: bool = True
    questions: int = 0
    during: Callable[[Sms], None] = lambda _: None

    def send(self, sms: Sms) -> Accepted:
        if self.faults:
            raise self.faults.pop(0)
        self.taken.append(sms)
        self.during(sms)
        if self.is_lost:
            raise OutcomeUnknown("reset")
        return Accepted(self.name, sid(sms.key))

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:
        self.questions += 1
        keys = [one.key for one in self.taken if one.text == sms.text and sid(one.key) not in known]
        return Accepted(self.name, sid(keys[-1])) if self.lists and keys else None

    def receipt(self, sms: Sms, accepted: Accepted, since: datetime) -> Receipt | None:
        self.questions += 1
        return Receipt(accepted.id, Status.SENT)


def sid(key: str) -> str:
    """The provider's id of the message with this key."""
    return f"SM{id_of(key):032x}"


@dataclass
class Line:
    """A service and the provider that its messages go by."""

    service: Service
    provider: Provider

    @classmethod
    def of(cls, service: Service, name: str = "twilio") -> "Line":
        """A line to a provider of this name."""
        provider = Provider(name)
        return cls(replace(service, gateway=provider), provider)  # type: ignore[arg-type]

    def claim(self) -> Ready:
        """Claim the one message that is due."""
        (ready,) = self.due()
        return ready

    def due(self) -> list[Ready]:
        """Claim all messages that are due, as a worker does."""
        return sending.claim(self.service.runtime, self.service.router, {Lane.CODES: 5, Lane.NEWS: 5})

    def send(self, ready: Ready) -> Callable[[], object]:
        """Hand it to the provider; the worker's own record, to be called when the test wants it."""
        done = sending.send(self.service.router, ready)
        return lambda: sending.record(self.service.runtime, self.service.router, [done])

    def hear(self, key: str, status: Status, failure: Failure | None = None, code: str | None = None) -> bool:
        """Let the provider say something about the message with this key."""
        return tracing.hear(self.service.runtime, self.provider.name, key, Receipt(sid(key), status, code, failure))

    def rounds(self, count: int = 3, **pause: float) -> None:
        """Let workers look at everything so many times, with this pause before each."""
        for _ in range(count):
            self.service.clock.advance(**(pause or {"minutes": 20}))
            self.service.work()
            self.service.ask()

    def messages(self) -> list[Any]:
        """The rows of the outbox that are messages."""
        with self.service.runtime.database.autocommit() as connection:
            wanted = select(outbox).where(outbox.c.purpose != "resolve").order_by(outbox.c.id)
            return list(connection.execute(wanted).all())

    def states(self) -> list[str]:
        return [row.state for row in self.messages()]

    def outcomes(self) -> list[tuple[str | None, str | None]]:
        """What came of each call, and what the provider said of it last."""
        with self.service.runtime.database.autocommit() as connection:
            wanted = select(attempts.c.outcome, attempts.c.status).order_by(attempts.c.id)
            return [(row.outcome, row.status) for row in connection.execute(wanted)]
