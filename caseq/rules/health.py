"""How much of the traffic a gateway is trusted with: a little less with every trouble, slowly more with every success,
and none at all for a while after many troubles in a row. Seconds are those of one steady clock, passed in."""

from dataclasses import dataclass

LEAST_SHARE = 0.05
LESS_AFTER_TROUBLE, MORE_AFTER_SUCCESS = 0.7, 0.05
SLOW_SECONDS = 5.0
TROUBLES_BEFORE_PAUSE = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 900.0
#: A probe that said nothing for so long is lost.
PROBE_SECONDS = 30.0


@dataclass
class Health:
    """The standing of one gateway as one worker knows it."""

    share: float = 1.0
    troubles: int = 0
    pause_seconds: float = FIRST_PAUSE_SECONDS
    closed_until: float = 0.0
    probed_at: float | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it was closed and no message went through since."""
        return self.closed_until > 0

    def may_try(self, now: float) -> bool:
        """Whether a message may be given to it: any if it is open, one probe at a time after a pause."""
        if not self.is_paused:
            return True
        is_probed = self.probed_at is not None and now - self.probed_at < PROBE_SECONDS
        return now >= self.closed_until and not is_probed

    def begin(self, now: float) -> None:
        """A message is given to it."""
        if self.is_paused:
            self.probed_at = now

    def went_well(self, seconds: float) -> None:
        """It took, or for good reasons refused, a message within these seconds."""
        self.troubles, self.closed_until, self.probed_at, self.pause_seconds = 0, 0.0, None, FIRST_PAUSE_SECONDS
        factor = LESS_AFTER_TROUBLE if seconds > SLOW_SECONDS else 1.0
        self.share = max(LEAST_SHARE, min(1.0, self.share * factor + (MORE_AFTER_SUCCESS if factor == 1.0 else 0.0)))

    def had_trouble(self, now: float, *, at_once: bool = False, wait: float | None = None) -> bool:
        """Whether it closes now, because it was slow, full, broken or unreachable: after many troubles in a row, a lost
        probe, or `at_once`; then for `wait` seconds at least."""
        self.share = max(LEAST_SHARE, self.share * LESS_AFTER_TROUBLE)
        self.troubles += 1
        was_probe, self.probed_at = self.probed_at is not None, None
        if now < self.closed_until or not (at_once or was_probe or self.troubles >= TROUBLES_BEFORE_PAUSE):
            return False
        self.closed_until = now + max(self.pause_seconds, wait or 0.0)
        self.pause_seconds = min(self.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        return True
