"""Every error raised on purpose. No HTTP in here: web/errors.py knows the statuses."""

from collections.abc import Sequence
from dataclasses import dataclass

#: So much of a provider's code is kept.
LONGEST_CODE = 80


class CaseqError(Exception):
    """The root of what this project raises on purpose."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in the configuration: where it stands and what to do about it."""

    file: str
    line: int | None
    key: str
    reason: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.key}: {self.reason}"


class ConfigurationError(CaseqError):
    """The configuration cannot be used; `faults` names every fault found, never a secret's value."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class NotJson(CaseqError):
    """Bytes that are not strict JSON (RFC 8259 without duplicate keys, NaN, NUL, lone surrogates)."""


class DatabaseUnavailable(CaseqError):
    """The database does not answer, is locked or is full; nothing was stored, try again later."""


class Unstorable(CaseqError):
    """A value that the database cannot hold, however often it is tried; nothing was stored."""


class SchemaUnknown(CaseqError):
    """The schema of the database is not one of this release: a newer one made it; says which."""


class WallRefused(CaseqError):
    """The database did not make the wall; nothing of it is there, the reason is the server's."""


class SealBroken(CaseqError):
    """A sealed value cannot be opened: wrong key, wrong column or a changed byte."""


class CannotPrint(CaseqError):
    """A sheet cannot be printed here; says what is missing, or what does not fit, and nothing that stands on it."""


class CipherMissing(CaseqError):
    """The cipher that was chosen for data at rest is not on this machine."""


class SmsError(CaseqError):
    """A gateway did not confirm a message; `code` is the provider's, `retry_after` in seconds."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code[:LONGEST_CODE]
        self.retry_after = retry_after


class Rejected(SmsError):
    """Refused for good: sending the same message again is useless."""


class NumberDead(Rejected):
    """No message reaches this number any more: it is none, no mobile, or its owner wants nothing from us."""


class TryLater(SmsError):
    """Surely not accepted: the message may be sent again later."""


class AccountProblem(TryLater):
    """The account, not the message, is refused: keep every message and call a human."""


class TooLate(SmsError):
    """Surely not accepted, because the worker was held up: its time for this message was over before the provider had
    read the whole of it, and by now somebody else may be sending it."""


class OutcomeUnknown(SmsError):
    """It may have been accepted: ask the provider before anything is sent again."""
