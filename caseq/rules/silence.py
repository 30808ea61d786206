"""How long a source may say nothing before it counts as silent, learned from how it speaks.

What is learned is the longest silence that is usual: for a source that speaks every minute a minute, for one that
speaks every night a day, for one that rests at weekends most of a weekend.
"""

from dataclasses import dataclass
from datetime import timedelta

#: A silence longer than usual makes the usual one longer by a half at most: one outage teaches little.
GROWTH = 1.5
#: The usual silence shrinks towards the shorter ones and would be forgotten after so many times its length. With the
#: growth, a source that speaks from Monday to Friday keeps enough of its weekend from one to the next.
MEMORY = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be learned of one source: it is silent after `times_usual` the usual silence, neither before `least`
    nor after `latest`. Until something was learned, `latest` counts."""

    latest: timedelta
    least: timedelta
    times_usual: float

    def silent_after(self, usual_seconds: float | None) -> timedelta:
        """After how long without a word the source counts as silent."""
        if usual_seconds is None:
            return self.latest
        allowed = max(self.least.total_seconds(), self.times_usual * usual_seconds)
        return min(self.latest, timedelta(seconds=min(allowed, self.latest.total_seconds())))


def usual(before: float | None, bounds: Bounds, age: float, passed: float) -> float | None:
    """The usual silence, in seconds, after one more push; store/silence.py says the same in SQL.

    `age` is how old the source's last word was when the push came, `passed` how much later its newest word is. Online
    both are the same; a file that was carried for days makes the age longer, and days of files that come together
    make one night of ages. A word that is no newer than the last one teaches nothing.
    """
    if passed <= 0:
        return before
    known = bounds.latest.total_seconds() if before is None else before
    if age > known:
        return min(age, max(known, bounds.least.total_seconds()) * GROWTH)
    return known - (known - age) * passed / (MEMORY * known)
