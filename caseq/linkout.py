"""Coming from the regional query system: a signed link brings a case number along, and proves nothing about anybody."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from caseq.errors import ConfigurationError
from caseq.rules import linktoken, returnurl
from caseq.rules.linktoken import Cause, Claims
from caseq.runtime import Runtime
from caseq.settings import Region
from caseq.store import auditing, links

log = structlog.get_logger("caseq.linkout")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody came by a good link; `return_url` is on the region's list, None if the link names no such address."""

    region: str
    case_number: str = field(repr=False)
    return_url: str | None = field(repr=False)


def arrive(runtime: Runtime, region_name: str, token: str) -> Arrival | None:
    """Use a token, once; None for one that is not taken, whatever the cause. No case is looked up."""
    region = runtime.settings.regions.get(region_name)
    if region is None:
        return None
    now = runtime.clock()
    claims = _claims(runtime, region, token, now)
    if isinstance(claims, Claims) and not _use(runtime, region, claims, now):
        claims = Cause.USED
    if not isinstance(claims, Claims):
        log.warning("link_refused", region=region.name, cause=claims.value)
        return None
    back = claims.return_url
    is_listed = back is not None and returnurl.is_listed(back, region.return_urls)
    return Arrival(region.name, claims.case_number.strip(), back if is_listed else None)


def _claims(runtime: Runtime, region: Region, token: str, now: datetime) -> Claims | Cause:
    """What the token says; while the file with the region's keys is broken no key is valid."""
    try:
        keys = runtime.link_keys[region.name].keys()
    except ConfigurationError as error:
        log.error("region_keys_unusable", region=region.name, fault=str(error.faults[0]))
        return Cause.KEY
    return linktoken.read(token, region.issuer, region.audience, keys, now)


def _use(runtime: Runtime, region: Region, claims: Claims, now: datetime) -> bool:
    with runtime.database.transaction() as connection:
        is_first = links.use_once(connection, region.name, claims.id, claims.usable_until)
        if is_first:
            auditing.record(connection, "arrive", now, facts={"region": region.name})
    return is_first
