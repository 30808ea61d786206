"""How many messages a lane may still hand to providers today, and the alarms on the way there."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from caseq.rules.case import bureau_date
from caseq.runtime import Runtime
from caseq.store import spending
from caseq.store.database import Connection
from caseq.store.outbox import Lane

log = structlog.get_logger("caseq.texting")

#: At so much of what a lane may spend in a day an alarm is sounded, in percent.
ALARMS = (50, 80, 100)


def affordable(runtime: Runtime, connection: Connection, lane: Lane, wanted: int, now: datetime) -> int:
    """How many of the messages wanted the lane may still send today."""
    if wanted <= 0:
        return 0
    spending.lock(connection, lane)
    return max(0, min(wanted, most_a_day(runtime, lane) - spending.of_lane(connection, lane, bureau_date(now))))


def most_a_day(runtime: Runtime, lane: Lane) -> int:
    """How many messages of this lane may be handed to providers on one day of the bureau."""
    sending = runtime.settings.sending
    return sending.most_codes_a_day if lane is Lane.CODES else sending.most_news_a_day


def spend(runtime: Runtime, connection: Connection, calls: Sequence[tuple[Lane, str]], now: datetime) -> None:
    """Note calls that are about to be made, by lane and gateway; sound the alarm where they reach a mark."""
    day = bureau_date(now)
    for lane in Lane:
        gateways = [gateway for of_lane, gateway in calls if of_lane is lane]
        if not gateways:
            continue
        for gateway in sorted(set(gateways)):
            spending.add(connection, day, lane, gateway, gateways.count(gateway))
        total, most = spending.of_lane(connection, lane, day), most_a_day(runtime, lane)
        for percent in ALARMS:
            if (total - len(gateways)) * 100 < most * percent <= total * 100:
                log.error("spending", lane=lane.name.lower(), percent=percent, today=total, most=most)
