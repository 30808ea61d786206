"""What every SMS gateway does; gateways never retry, the worker does."""

import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from caseq.errors import TooLate
from caseq.rules.delivery import Receipt


@dataclass(frozen=True, slots=True)
class Sms:
    """One attempt to send one message: our own key of it, the E.164 number, the text with its signature, and for how
    many seconds it is worth delivering.

    A provider that has the texts itself gets the name of the template ("news", or "news_phrase" with the person's own
    phrase), the language and the `values` that are filled in.

    After `begin_by`, a moment of `time.monotonic`, it must not reach the provider any more.
    """

    key: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    valid_seconds: int
    template: str = ""
    language: str = "zh"
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    begin_by: float = math.inf

    def check_time(self) -> None:
        """TooLate if this message must not reach the provider any more: asked at the last moment before it would."""
        if time.monotonic() > self.begin_by:
            raise TooLate("not begun in time")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message (accepted is not delivered); `id` is the provider's."""

    gateway: str
    id: str


class SmsGateway(Protocol):
    """A provider. `send` raises errors.Rejected (NumberDead, if no message can reach the number any more), TryLater,
    AccountProblem, TooLate (`Sms.check_time`) or OutcomeUnknown; `find` and `receipt` raise OutcomeUnknown if the
    provider cannot be asked."""

    name: str

    def send(self, sms: Sms) -> Accepted:
        """The provider's acceptance of the message."""
        ...

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:
        """The acceptance of this message at or after `since`, if there was one whose id is not in `known`."""
        ...

    def receipt(self, sms: Sms, accepted: Accepted, since: datetime) -> Receipt | None:
        """What became of a message that was accepted after `since`; None if the provider does not know it (yet)."""
        ...
