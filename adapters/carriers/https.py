"""Brings batches to the service: one signed request, one answer in words the sender can act on."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from caseq.rules import signing

TIMEOUT_SECONDS = (5.0, 60.0)
_BATCH_TYPE = "application/cloudevents-batch+json"
_OUTCOMES = frozenset({"accepted", "duplicate", "stale", "parked", "refused"})
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The service has answered for every event; `refused` gives the fields and reasons of refused ids."""

    refused: Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing is known to be stored: send it again, not before `after_seconds` if that is given."""

    reason: str
    after_seconds: float | None = None
    is_key_refused: bool = False


@dataclass(frozen=True, slots=True)
class Unacceptable:
    """The request as a whole was refused for what it says; sending it again unchanged is useless."""

    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the service says it holds of one source."""

    records: Mapping[str, int]
    newest_sequence: str | None


class HttpsCarrier:
    """Signed requests to the service at `url`; `keys` holds the signing key of each push source."""

    def __init__(
        self, url: str, keys: Mapping[str, str], ca_file: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.url = url
        self.keys = keys
        self.clock = clock
        self.session = requests.Session()
        # Neither a proxy nor a .netrc of this machine's user may come between adapter and service.
        self.session.trust_env = False
        if ca_file:
            self.session.verify = ca_file

    def send(self, source: str, batch_id: str, body: bytes, ids: Sequence[str]) -> Answered | Postponed | Unacceptable:
        """The answer to one batch; `ids` are the ids of its events, in order."""
        response = self._request("POST", source, f"/push/v1/{source}", batch_id, body)
        if isinstance(response, Postponed):
            return response
        if response.status_code in (400, 413, 422):
            return Unacceptable(f"HTTP {response.status_code}")
        if response.status_code != 200:
            return self._postponed(response)
        return _answer(response, ids)

    def checkpoint(self, source: str) -> Checkpoint | Postponed:
        """What the service holds of this source."""
        path = f"/push/v1/{source}/checkpoint"
        response = self._request("GET", source, path, f"checkpoint-{int(self.clock() * 1000)}", b"")
        if isinstance(response, Postponed):
            return response
        if response.status_code != 200:
            return self._postponed(response)
        try:
            found = response.json()
            return Checkpoint(dict(found["records"]), found.get("newest_sequence"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return Postponed("an answer that is not a checkpoint")

    def _request(
        self, method: str, source: str, path: str, message_id: str, body: bytes
    ) -> requests.Response | Postponed:
        headers = signing.headers(self.keys[source], message_id, int(self.clock()), body)
        headers["Content-Type"] = _BATCH_TYPE
        try:
            return self.session.request(
                method, self.url + path, data=body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            return Postponed(type(error).__name__)

    def _postponed(self, response: requests.Response) -> Postponed:
        after = _retry_after(response.headers.get("Retry-After"), self.clock())
        return Postponed(f"HTTP {response.status_code}", after, is_key_refused=response.status_code == 401)


def _answer(response: requests.Response, ids: Sequence[str]) -> Answered | Postponed:
    try:
        results: list[Mapping[str, Any]] = response.json()["results"]
        outcomes = [(result["id"], result["outcome"]) for result in results]
        refused = {result["id"]: result.get("errors") or {} for result in results if result["outcome"] == "refused"}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Postponed("an answer that is not understood")
    if [event_id for event_id, _ in outcomes] != list(ids) or not {outcome for _, outcome in outcomes} <= _OUTCOMES:
        return Postponed("an answer that does not fit the batch")
    return Answered(refused)


def _retry_after(header: str | None, now: float) -> float | None:
    """The seconds a Retry-After header asks for, from 0 to an hour."""
    if not header:
        return None
    try:
        seconds = float(header) if header.strip().isdigit() else parsedate_to_datetime(header).timestamp() - now
    except ValueError:
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
