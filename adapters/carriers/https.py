"""Brings batches to the service: one signed request, one answer in words the sender can act on."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import requests

from adapters.carriers.carrier import Answer, Answered, Parcel, Postponed, Unacceptable
from caseq.rules import signing

TIMEOUT_SECONDS = (5.0, 60.0)
_BATCH_TYPE = "application/cloudevents-batch+json"
_OUTCOMES = frozenset({"accepted", "duplicate", "stale", "parked", "refused"})
_LONGEST_WAIT = 3600.0
#: What comes of an answer of another shape; brackets nested a hundred thousand deep are one, too.
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the service says it holds of one source."""

    records: Mapping[str, int]
    newest_sequence: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """Live records that the service holds: (key, case number, sequence). More follow after the key `next`."""

    records: Sequence[tuple[str, str, str]]
    next: str | None


class HttpsCarrier:
    """Signed requests to the service at `url`; `keys` holds the signing key of each push source."""

    down_event = "service_down"
    up_event = "service_up"

    def __init__(
        self, url: str, keys: Mapping[str, str], ca_file: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.url = url
        self.keys = keys
        self.clock = clock
        # One for each source, because they send at the same time.
        self.sessions = {source: _session(ca_file) for source in keys}

    def send(self, parcel: Parcel) -> Answer:
        """The service's answer to one batch."""
        source = parcel.source
        response = self._request("POST", source, f"/push/v1/{source}", parcel.message_id, parcel.body)
        if isinstance(response, Postponed):
            return response
        if response.status_code == 413 or (response.status_code in (400, 422) and _is_of_the_service(response)):
            return Unacceptable(f"HTTP {response.status_code}", is_too_large=response.status_code == 413)
        if response.status_code != 200:
            return self._postponed(response)
        return _answer(response, parcel.ids)

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
        except _MALFORMED:
            return Postponed("an answer that is not a checkpoint")

    def records(self, source: str, record_type: str, after: str | None) -> Held | Postponed | None:
        """The live records of this type after this key that the service holds; None if it is too old to tell."""
        query = urlencode({"type": record_type, **({"after": after} if after is not None else {})})
        path = f"/push/v1/{source}/checkpoint/records?{query}"
        response = self._request("GET", source, path, f"records-{int(self.clock() * 1000)}", b"")
        if isinstance(response, Postponed):
            return response
        if response.status_code == 404:
            return None
        if response.status_code != 200:
            return self._postponed(response)
        try:
            found = response.json()
            rows = [(row["key"], row["case_number"], row["sequence"]) for row in found["records"]]
            return Held(rows, found["next"])
        except _MALFORMED:
            return Postponed("an answer that is not a list of records")

    def _request(
        self, method: str, source: str, path: str, message_id: str, body: bytes
    ) -> requests.Response | Postponed:
        headers = signing.headers(self.keys[source], message_id, int(self.clock()), body)
        headers["Content-Type"] = _BATCH_TYPE
        try:
            return self.sessions[source].request(
                method, self.url + path, data=body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except (requests.RequestException, ValueError) as error:
            return Postponed(type(error).__name__)

    def _postponed(self, response: requests.Response) -> Postponed:
        after = _retry_after(response.headers.get("Retry-After"), self.clock())
        return Postponed(f"HTTP {response.status_code}", after, is_key_refused=response.status_code == 401)


def _session(ca_file: str) -> requests.Session:
    session = requests.Session()
    # Neither a proxy nor a .netrc of this machine's user may come between adapter and service.
    session.trust_env = False
    session.verify = ca_file or True
    return session


def _is_of_the_service(response: requests.Response) -> bool:
    """Whether the service itself refused: what a proxy or gateway in between says is said of no event."""
    return response.headers.get("Content-Type", "").startswith("application/problem+json")


def _answer(response: requests.Response, ids: Sequence[str]) -> Answered | Postponed:
    try:
        results: list[Mapping[str, Any]] = response.json()["results"]
        outcomes = [(result["id"], result["outcome"]) for result in results]
        refused = {result["id"]: result.get("errors") or {} for result in results if result["outcome"] == "refused"}
        is_fit = [event_id for event_id, _ in outcomes] == list(ids) and {told for _, told in outcomes} <= _OUTCOMES
    except _MALFORMED:
        return Postponed("an answer that is not understood")
    return Answered(refused) if is_fit else Postponed("an answer that does not fit the batch")


def _retry_after(header: str | None, now: float) -> float | None:
    """The seconds a Retry-After header asks for, from 0 to an hour."""
    if not header:
        return None
    try:
        seconds = float(header) if header.strip().isdigit() else parsedate_to_datetime(header).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
