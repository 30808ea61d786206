"""Which acts of staff are looks at somebody's record, and what the party is told of each: how and what for.

An act that is not here is not shown. Among those are the looks of reviewers at what waits for release: they would tell
that something waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class LookAct(StrEnum):
    """The acts by which staff read what one party sees or left with the bureau; the values are those of the audit."""

    DESK = "desk"
    PHONE_VIEW = "phone_view"
    IDENTITY = "identity"
    EXPLAIN = "explain"
    SAFE_CONTACT = "safe_contact"
    PAPER_CODES = "paper_codes"
    RECEIPT = "receipt"
    PROOF = "proof"
    NUMBER_CORRECTED = "number_corrected"
    NOTICE_MADE = "notice_made"
    COMPLAINT_ANSWER = "complaint_answer"


class LookChannel(StrEnum):
    """Through what staff looked."""

    CONSOLE = "console"
    TELEPHONE = "telephone"
    COUNTER = "counter"


class Purpose(StrEnum):
    """What a look was for, in kinds; the reason in words stays with the bureau."""

    ENQUIRY = "enquiry"
    READ_OUT = "read_out"
    CHECK_PERSON = "check_person"
    CHECK_PAGE = "check_page"
    CONTACT = "contact"
    CODES = "codes"
    PROOF = "proof"
    NUMBER = "number"
    NOTICE = "notice"
    COMPLAINT = "complaint"


class Way(StrEnum):
    """How a party logged in."""

    SMS = "sms"
    APP = "app"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Told:
    """What a party is told of a look of this act."""

    channel: LookChannel
    purpose: Purpose


LOOKS: Mapping[LookAct, Told] = {
    LookAct.DESK: Told(LookChannel.CONSOLE, Purpose.ENQUIRY),
    LookAct.PHONE_VIEW: Told(LookChannel.TELEPHONE, Purpose.READ_OUT),
    LookAct.IDENTITY: Told(LookChannel.COUNTER, Purpose.CHECK_PERSON),
    LookAct.EXPLAIN: Told(LookChannel.CONSOLE, Purpose.CHECK_PAGE),
    LookAct.SAFE_CONTACT: Told(LookChannel.CONSOLE, Purpose.CONTACT),
    LookAct.PAPER_CODES: Told(LookChannel.COUNTER, Purpose.CODES),
    LookAct.RECEIPT: Told(LookChannel.COUNTER, Purpose.CODES),
    LookAct.PROOF: Told(LookChannel.CONSOLE, Purpose.PROOF),
    LookAct.NUMBER_CORRECTED: Told(LookChannel.COUNTER, Purpose.NUMBER),
    LookAct.NOTICE_MADE: Told(LookChannel.CONSOLE, Purpose.NOTICE),
    LookAct.COMPLAINT_ANSWER: Told(LookChannel.CONSOLE, Purpose.COMPLAINT),
}
#: A look of these acts at a case as a whole is a look at each of its parties.
OF_WHOLE_CASE = frozenset({LookAct.DESK})
#: The acts that count as reading a case.
READING = frozenset(act.value for act in LookAct)
