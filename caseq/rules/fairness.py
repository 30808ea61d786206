"""How many codes are made for whom: so few that nobody is flooded, and none of a person's own used up by strangers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.rules.case import Role
from caseq.rules.guesses import Share

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True)
class CodeLimits:
    """For a party in an hour, everything else in 24 hours; config/caseq.toml explains each."""

    party_an_hour: int
    party: int
    kept_for_known: int
    agent: int
    phone: int
    network: int
    case: int
    site_least: int
    site_times_median: int
    site_an_hour_percent: int

    def site(self, last_days: Sequence[int]) -> int:
        """How many codes the whole site makes in a day, after so many on each of the last days."""
        ordered = sorted(last_days)
        median = ordered[len(ordered) // 2] if ordered else 0
        return max(self.site_least, self.site_times_median * median)


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A code that was made for a party in the last 24 hours."""

    share: str
    network_hash: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a code of a party, and what was made so far: in 24 hours for its telephone and in its case."""

    role: str
    is_known: bool
    network_hash: str
    made: Sequence[MadeCode]
    of_phone: int
    of_case: int


class Withheld(StrEnum):
    """Why no code is made; the person who asks is not told."""

    PARTY = "party"
    HOUR = "hour"
    STRANGERS = "strangers"
    NETWORK = "network"
    PHONE = "phone"
    CASE = "case"
    SITE = "site"


def share(is_known: bool) -> Share:
    return Share.KNOWN if is_known else Share.STRANGERS


def last_of_share(asking: Asking) -> list[MadeCode]:
    """The codes made for browsers of the same share: strangers make nobody wait but strangers."""
    return [made for made in asking.made if made.share == share(asking.is_known)]


def withheld(limits: CodeLimits, asking: Asking, now: datetime) -> Withheld | None:
    """Why no code is made for this party, None if one is."""
    is_agent = asking.role == Role.AGENT
    a_day = limits.agent if is_agent else limits.party
    own = last_of_share(asking)
    checks = {
        Withheld.PARTY: len(asking.made) >= a_day,
        Withheld.STRANGERS: not asking.is_known and len(own) >= a_day - limits.kept_for_known,
        Withheld.HOUR: not is_agent and sum(made.made_at > now - HOUR for made in own) >= limits.party_an_hour,
        Withheld.NETWORK: not asking.is_known and not is_agent and _of_network(asking) >= limits.network,
        Withheld.PHONE: asking.of_phone >= (limits.agent if is_agent else limits.phone),
        Withheld.CASE: asking.of_case >= limits.case and not asking.is_known,
    }
    return next((reason for reason, is_over in checks.items() if is_over), None)


def _of_network(asking: Asking) -> int:
    return sum(made.network_hash == asking.network_hash for made in asking.made)
