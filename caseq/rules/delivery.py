"""What a provider can say became of a message, in one vocabulary; its words arrive late, twice and in any order."""

from dataclasses import dataclass
from enum import StrEnum

from caseq.errors import LONGEST_CODE


class Status(StrEnum):
    """How far a message is known to have come; a later member is never undone by an earlier one."""

    ACCEPTED = "accepted"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"

    @property
    def rank(self) -> int:
        return list(Status).index(self)

    @property
    def is_final(self) -> bool:
        return self in (Status.FAILED, Status.DELIVERED)


class Failure(StrEnum):
    """Why a message failed: its number takes none for good, this message is not to be sent again, a later attempt may
    help, the account is refused, nobody knows."""

    NUMBER = "number"
    MESSAGE = "message"
    LATER = "later"
    ACCOUNT = "account"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says of a message it accepted; `code` is its own, as much as a row holds, and `failure` what it
    means, if it failed."""

    provider_id: str
    status: Status
    code: str | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if self.code is not None:
            object.__setattr__(self, "code", self.code[:LONGEST_CODE])
