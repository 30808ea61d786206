"""What every SMS gateway does; gateways never retry, the worker does."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sms:
    """One message: our own key, the E.164 number, the text, and for how many seconds it is worth delivering."""

    key: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    valid_seconds: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message (accepted is not delivered); `id` is the provider's."""

    gateway: str
    id: str


class SmsGateway(Protocol):
    """A provider. `send` raises errors.Rejected, TryLater, AccountProblem or OutcomeUnknown."""

    name: str

    def send(self, sms: Sms) -> Accepted:
        """The provider's acceptance of the message."""
        ...

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:
        """The acceptance of this message at or after `since`, if there was one whose id is not in `known`."""
        ...
