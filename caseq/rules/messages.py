"""What an SMS says: neutral texts without name, case number, matter, stage or link."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from caseq.rules.case import BUREAU_TIME

#: News wait from then to then where a person wants no SMS at night.
QUIET_BEGINS, QUIET_ENDS = time(21), time(8)

_GSM_SEVEN = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO_SEPTETS = set("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class Texts:
    """The reviewed sentences of one language; `code` has the places {code} and {minutes}, the notices {help_phone}."""

    signature: str
    code: str
    news: str
    device: str
    number: str

    def code_text(self, code: str, minutes: int) -> str:
        """The SMS with a one-time code, shown in two groups of four."""
        return self.signature + self.code.format(code=f"{code[:4]} {code[4:]}", minutes=minutes)

    def notice_text(self, purpose: str, help_phone: str) -> str:
        """The SMS that an unknown device logged in ("device"), or that a party has another number now ("number")."""
        sentence = {"device": self.device, "number": self.number}[purpose]
        return self.signature + sentence.format(help_phone=help_phone)

    def news_text(self) -> str:
        """The SMS that says that there is something new, and nothing more."""
        return self.signature + self.news


def quiet_until(now: datetime) -> datetime | None:
    """When the quiet hours of the bureau's night, 21:00 to 08:00, are over; None by day."""
    here = now.astimezone(BUREAU_TIME)
    if QUIET_ENDS <= here.time() < QUIET_BEGINS:
        return None
    day = here.date() + timedelta(days=here.time() >= QUIET_BEGINS)
    return datetime.combine(day, QUIET_ENDS, BUREAU_TIME).astimezone(UTC)


def segments(text: str) -> int:
    """How many SMS the text takes: 160 septets if GSM 03.38 has all its characters, otherwise 70 UTF-16 units."""
    if set(text) <= _GSM_SEVEN | _GSM_TWO_SEPTETS:
        units, single, part = len(text) + sum(c in _GSM_TWO_SEPTETS for c in text), 160, 153
    else:
        units, single, part = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if units <= single else -(-units // part)
