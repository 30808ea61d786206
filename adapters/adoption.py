"""A new or lost state file is filled with what the service holds, before anything is read or sent."""

import sqlite3
from collections.abc import Iterable
from threading import Event

import structlog

from adapters import bookmark, claims, holding
from adapters.carriers.carrier import Carrier, Postponed
from adapters.carriers.https import HttpsCarrier
from adapters.changes import TRY_AGAIN, Known
from adapters.feed import FULL_READ
from adapters.mapping import ServiceSettings
from adapters.reading import CASE, MILESTONE, PARTY
from adapters.sender import tell_failure
from adapters.sending import DiskNews
from adapters.statefile import is_full, transaction

_ADOPTED = "adopted"
_TRIES_ONCE = 5

log = structlog.get_logger()


def adopt(
    state: sqlite3.Connection, carrier: Carrier, settings: ServiceSettings, disk: DiskNews, stopped: Event, once: bool
) -> bool:
    """Takes the service's live records into a state without a full read; False if that was given up.

    They count as changed, so that the first full read sends what the case system has under later sequences, and
    withdraws what it no longer has, unless that is most of them.
    """
    if not isinstance(carrier, HttpsCarrier) or not _is_new(state):
        return True
    failures, told = 0, ""
    while not stopped.is_set():
        refusal = _adopt_with_room(state, carrier, dict.fromkeys(settings.sources.values()), disk)
        if refusal is None:
            return True
        failures += 1
        source, answer = refusal
        if source and answer.reason != told:
            tell_failure(carrier, source, answer)
            told = answer.reason
        if once and failures >= _TRIES_ONCE:
            return False
        pause = min(settings.retry_first_seconds * 2 ** min(failures - 1, 30), settings.retry_most_seconds)
        stopped.wait(max(pause, answer.after_seconds or 0))
    return False


def _is_new(state: sqlite3.Connection) -> bool:
    return bookmark.setting(state, FULL_READ) is None and bookmark.setting(state, _ADOPTED) is None


def _adopt_with_room(
    state: sqlite3.Connection, carrier: HttpsCarrier, sources: Iterable[str], disk: DiskNews
) -> tuple[str, Postponed] | None:
    """The source that gave no answer; '' while the disk of the state is full, which is told once."""
    try:
        refusal = _adopt_all(state, carrier, sources)
    except sqlite3.Error as error:
        if not is_full(error):
            raise
        disk.full("adoption", error)
        return "", Postponed("")
    disk.good("adoption")
    return refusal


def _adopt_all(
    state: sqlite3.Connection, carrier: HttpsCarrier, sources: Iterable[str]
) -> tuple[str, Postponed] | None:
    """Asks page by page; what is asked again after a failure or a kill takes the place of what was there."""
    adopted = 0
    for source in sources:
        for record_type in (CASE, MILESTONE, PARTY):
            found = _adopt(state, carrier, source, record_type)
            if isinstance(found, Postponed):
                return source, found
            adopted += found
    with transaction(state):
        bookmark.keep_setting(state, _ADOPTED, str(adopted))
        holding.begin(state)
    if adopted:
        log.warning("adopted", records=adopted)
    return None


def _adopt(state: sqlite3.Connection, carrier: HttpsCarrier, source: str, record_type: str) -> int | Postponed:
    adopted, after = 0, None
    while True:
        page = carrier.records(source, record_type, after)
        if page is None:
            return adopted
        if isinstance(page, Postponed):
            return page
        entries = [
            Known(source, record_type, key, number, "", TRY_AGAIN, sequence) for key, number, sequence in page.records
        ]
        with transaction(state):
            bookmark.keep_known(state, entries)
            claims.note_held(state, (entry.case_number for entry in entries if entry.type == CASE))
        adopted += len(entries)
        if page.next is None:
            return adopted
        after = page.next
