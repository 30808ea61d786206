"""The settings as values: what config/*.toml and the environment become."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from caseq.rules.approval import Approval
from caseq.rules.case import Kind
from caseq.rules.ciphers import Cipher
from caseq.rules.disclosure import Policy, Right
from caseq.rules.fairness import CodeLimits as CodeLimits
from caseq.rules.guesses import Budget
from caseq.rules.messages import Wording
from caseq.rules.routes import Route
from caseq.rules.silence import Bounds
from caseq.rules.telling import Line
from caseq.rules.timelimits import TimeLimits
from caseq.rules.workdays import Calendar

Words = Mapping[str, str]  # language ("zh", "en") to text


@dataclass(frozen=True)
class Bureau:
    name: Words
    help_phone: str
    help_hours: Words
    complaints_phone: str
    legal_aid_phone: str
    fraud_phone: str
    emergency_phone: str
    leave_to: str
    clause_source: Words


@dataclass(frozen=True)
class Login:
    code_minutes: int
    answer_milliseconds: int
    tries: int
    pauses_seconds: tuple[int, ...]
    session_idle_minutes: int
    session_hours: int
    sessions_at_once: int
    known_browser_days: int
    paper_days: int
    counter_hours: int

    def pause_after(self, codes: int) -> timedelta:
        """How long to wait for the next code after so many."""
        return timedelta(seconds=self.pauses_seconds[min(codes, len(self.pauses_seconds)) - 1] if codes else 0)

    @property
    def code_life(self) -> timedelta:
        return timedelta(minutes=self.code_minutes)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_life(self) -> timedelta:
        return timedelta(hours=self.session_hours)


@dataclass(frozen=True)
class Limits:
    """Rate limits in the notation of flask-limiter."""

    ask_code: str
    enter_code: str
    open_link: str
    speak: str
    push: str


@dataclass(frozen=True)
class Voices:
    """How long answers to complaints take in working days, how long afterwards one may go further up and after how many
    days texts are forgotten, and how many complaints of a party wait at once."""

    answer_days: int
    second_days: int
    second_within_days: int
    open_at_once: int
    kept_days: int


@dataclass(frozen=True)
class Notices:
    """Whose receipts print no codes before the party was asked: codes of units, and numbers of cases as they are looked
    up."""

    sensitive_units: frozenset[str]
    sensitive_cases: frozenset[str]


@dataclass(frozen=True)
class Worker:
    """How a worker works: `threads` for news, `code_threads` for codes, moments and spans in seconds.

    `answer_seconds` are for connecting to a provider, and once more for its answer.
    """

    threads: int
    code_threads: int
    answer_seconds: float
    lease_seconds: float
    ask_after_seconds: float
    poll_seconds: float
    retry_seconds: float
    retry_longest_seconds: float

    @property
    def longest_call_seconds(self) -> float:
        """How long one call of a provider can last, with time to spare."""
        return 2.5 * self.answer_seconds

    @property
    def shortest_lease_seconds(self) -> float:
        """The shortest lease in which a worker still gets round to beginning what it claimed."""
        return 3 * self.answer_seconds


@dataclass(frozen=True)
class Operations:
    metrics_allow: tuple[str, ...]
    worker_silent_seconds: int


@dataclass(frozen=True)
class Data:
    """How personal data are sealed from now on; what is sealed already stays readable."""

    cipher: Cipher


@dataclass(frozen=True)
class Audit:
    """Where and how often the end of the chain is written down outside the database; how many cases one of the staff
    may read in an hour before the auditor is asked to look."""

    anchor_file: Path
    anchor_minutes: int
    reads_an_hour: int


@dataclass(frozen=True)
class Source:
    """A case system that may push; `keys` are its live ``whsec_…`` keys, none if it is not connected.

    What it pushes in `shadow` is stored, and nobody sees or is told anything of it.
    """

    name: str
    kinds: frozenset[Kind]
    silence: Bounds
    keys: tuple[str, ...] = field(default=(), repr=False)
    shadow: bool = False


@dataclass(frozen=True)
class Region:
    """A regional system that may link here: how it signs, and where people may be sent back to."""

    name: str
    title: Words
    issuer: str
    audience: str
    jwks: Path
    algorithms: frozenset[str]
    return_urls: tuple[str, ...]


@dataclass(frozen=True)
class Twilio:
    account_sid: str
    auth_token: str = field(repr=False)
    sender: str | None = None
    messaging_service_sid: str | None = None
    api_base: str | None = None


@dataclass(frozen=True)
class Aliyun:
    """The account at Aliyun; `receipt_secret` is the part of an address that only Aliyun is told, for its receipts."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    receipt_secret: str | None = field(default=None, repr=False)
    api_base: str | None = None


@dataclass(frozen=True)
class Sending:
    """How messages are sent: which countries and providers, how long they stay worth delivering, what counts as news.

    `longest_delay`: so long news wait for further ones at most. `spread`: over this span goes out what waited for the
    end of a night. `receipt_after`: so long after a provider took a message it is asked what became of it, once each.
    `prices` in yuan for one SMS, by gateway.
    """

    prefixes: tuple[str, ...]
    code_valid_seconds: int
    news_valid_seconds: int
    news_within: timedelta
    longest_delay: timedelta
    spread: timedelta
    give_up_after: timedelta
    receipt_after: tuple[timedelta, ...]
    most_codes_a_day: int
    most_news_a_day: int
    prices: Mapping[str, float]
    routes: tuple[Route, ...]


@dataclass(frozen=True)
class Settings:
    bureau: Bureau
    login: Login
    guesses: Budget
    codes: CodeLimits
    limits: Limits
    voices: Voices
    notices: Notices
    worker: Worker
    operations: Operations
    data: Data
    audit: Audit
    sources: Mapping[str, Source]
    policy: Policy
    rights: Mapping[tuple[str, str, str], tuple[Right, ...]]  # (kind, role, language)
    wording: Wording
    telling: tuple[Line, ...]
    sending: Sending
    workdays: Calendar
    time_limits: TimeLimits
    approval: Approval
    database_url: str = field(repr=False)
    secret_keys: tuple[str, ...] = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    query_database_url: str | None = field(default=None, repr=False)
    public_url: str | None = None
    trusted_proxies: int = 0
    twilio: Twilio | None = None
    aliyun: Aliyun | None = None
    sms_file: Path | None = None
    demo: bool = False
    regions: Mapping[str, Region] = field(default_factory=dict)

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies carry Secure and the ``__Host-`` prefix: everywhere but on plain http for development."""
        return not (self.public_url or "").startswith("http://")
