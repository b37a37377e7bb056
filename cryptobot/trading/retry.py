"""What is tried again, when, and how long: a table by cause.

===========  ==================================  =============================================
cause        what happened                       pauses before the next tries (settings)
===========  ==================================  =============================================
network      not reached, or the wire broke      at once, 1, 2, 4, 8, 16 s
server       5xx, maintenance, no sense          1, 2, 4, 8, 16 s
rate limit   turned away unread                  what the answer said, else 5, 15, 60 s
clock        our time stamp was refused          once, after the clock was measured anew
(none)       an answer, a ban, our own fence; a  never: trying again would change nothing
             read without a connection
===========  ==================================  =============================================

A write is tried again only when it is proven that it was not executed, with the same id; a cancel
also when its outcome is unknown, because cancelling twice harms nobody. Each operation also has a
longest time: an order that was wanted 10 s ago may not be wanted now. When the exchange answers
again, what waits because it did not is tried at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptobot.domain.errors import NotSent, OutcomeUnknown, ReadFailed, StoppedHere, VenueError


class Cause(StrEnum):
    """Why something may be tried again."""

    NETWORK = "network"
    SERVER = "server"
    RATE_LIMIT = "rate_limit"
    CLOCK = "clock"


CAUSES: Final[Mapping[str, Cause]] = {
    "network": Cause.NETWORK,
    "connection_failed": Cause.NETWORK,
    "not_sent": Cause.NETWORK,
    "timeout": Cause.NETWORK,
    "server": Cause.SERVER,
    "maintenance": Cause.SERVER,
    "unreadable": Cause.SERVER,
    "unreadable_reply": Cause.SERVER,
    "unclassified": Cause.SERVER,
    "rate_limited": Cause.RATE_LIMIT,
    "clock_skew": Cause.CLOCK,
}
"""By the code of an error; what is not listed is not tried again."""


OUTAGE: Final = frozenset({Cause.NETWORK, Cause.SERVER})
"""What is over when the exchange answers again."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses in seconds by cause, and how much they vary.

    Attributes:
        jitter: Part of a pause by which it is drawn longer or shorter, 0 to 1.
        order_s: Longest time from a first try to send an order to the last.
    """

    pauses_s: Mapping[Cause, Sequence[float]]
    jitter: float = 0.2
    order_s: float = 10.0

    def pause_s(self, cause: Cause, tries: int, draw: float) -> float | None:
        """Return the pause before the next try.

        Args:
            cause: Of the last failure.
            tries: Failures of that cause so far, from 1.
            draw: From 0 to 1, where in the jitter's range.

        Returns:
            Seconds, or ``None`` when there were enough tries.
        """
        pauses = self.pauses_s[cause]
        if tries > len(pauses):
            return None
        return pauses[tries - 1] * (1 + self.jitter * (2 * draw - 1))


DEFAULT_PAUSES_S: Final[Mapping[Cause, Sequence[float]]] = {
    Cause.NETWORK: (0.0, 1.0, 2.0, 4.0, 8.0, 16.0),
    Cause.SERVER: (1.0, 2.0, 4.0, 8.0, 16.0),
    Cause.RATE_LIMIT: (5.0, 15.0, 60.0),
    Cause.CLOCK: (0.0,),
}

PLACE: Final = "place_order"
CANCEL: Final = "cancel_order"

LONGEST_S: Final[Mapping[str, float]] = {
    CANCEL: 60.0,
    "find_order": 3.0,
    "open_orders": 15.0,
    "closed_orders": 15.0,
    "my_trades": 15.0,
    "balances": 15.0,
}
"""Longest time an operation is tried, in seconds; orders have a setting. Who looks an order up
has its own patience, so a single look-up gives up soon."""


def cause_of(operation: str, error: VenueError) -> Cause | None:
    """Return why ``operation`` may be tried again after ``error``; ``None``: it must not."""
    if isinstance(error, StoppedHere):
        return None
    if isinstance(error, NotSent | ReadFailed) or (
        operation == CANCEL and isinstance(error, OutcomeUnknown)
    ):
        return CAUSES.get(error.code)
    return None
