"""What may go wrong at the edges: a table of weathers, each a class of faults seen in the field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

NOT_FOUND_PATIENCE_S: Final = 6.0
"""How long the engine under test doubts "not found". Everything below must be over by then."""

LATEST_ARRIVAL_S: Final = 1.5
"""A request on the wire arrives within it or is refused as stale (Binance: recvWindow)."""

LONGEST_LAG_S: Final = 3.0
"""Reads are never older than that."""

TIMEOUT_S: Final = 3.0
"""How long the client waits for an answer."""


class WriteFault(StrEnum):
    """What becomes of a write."""

    REQUEST_LOST = "request_lost"
    """It never arrives; the client hears nothing, or a reset."""
    REQUEST_LATE = "request_late"
    """The connection breaks at once, and the request arrives all the same, later."""
    REPLY_LOST = "reply_lost"
    """It is executed; the client hears nothing, or a reset, or a 5xx."""
    GARBLED = "garbled"
    """It is executed; the reply cannot be read."""
    BARE = "bare"
    """It is executed; the reply says nothing of fills."""
    BUSY = "busy"
    """Refused unread: too many requests, a ban, a clock that is off."""
    UNREACHABLE = "unreachable"
    """No connection, so nothing is sent."""
    REFUSED = "refused"
    """The exchange refuses it with a code."""
    FAILED = "failed"
    """A 5xx, and it was not executed."""


_F = WriteFault


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely what is.

    Attributes:
        writes: Probability of each fault of a write.
        read_fails: Probability that a read fails.
        limited: Probability that a read is told to wait.
        lag_s: How old what a read says may be.
        slow_s: Up to how long an answer takes more than usual.
        dropped: Probability that a message of the user stream is lost, unseen by anybody.
        doubled: Probability that it comes twice.
        delayed: Probability that it comes late, after later ones.
        deaf: The user stream is disconnected.
        silent: No market data comes.
        disk_down: The journal's disk takes no writes.
        disk_slow_s: Up to how long a commit takes more than usual.
    """

    writes: Mapping[WriteFault, float] = field(default_factory=dict)
    read_fails: float = 0.0
    limited: float = 0.0
    lag_s: float = 0.0
    slow_s: float = 0.0
    dropped: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0
    deaf: bool = False
    silent: bool = False
    disk_down: bool = False
    disk_slow_s: float = 0.0


CLEAR: Final = Weather()

WEATHERS: Final[Mapping[str, Weather]] = {
    "lossy": Weather({_F.REQUEST_LOST: 0.2, _F.REPLY_LOST: 0.3}, read_fails=0.2),
    "late": Weather({_F.REQUEST_LATE: 0.5}, read_fails=0.1),
    "late_and_lagging": Weather({_F.REQUEST_LATE: 0.6}, lag_s=LONGEST_LAG_S),
    "reply_lost": Weather({_F.REPLY_LOST: 0.9}),
    "lagging": Weather({_F.REPLY_LOST: 0.4}, lag_s=LONGEST_LAG_S),
    "garbled": Weather({_F.GARBLED: 0.5, _F.BARE: 0.3}, read_fails=0.3),
    "busy": Weather({_F.BUSY: 0.7}, limited=0.4),
    "unreachable": Weather({_F.UNREACHABLE: 1.0}, read_fails=1.0, deaf=True, silent=True),
    "refusing": Weather({_F.REFUSED: 0.7}),
    "maintenance": Weather({_F.FAILED: 1.0}, read_fails=1.0, deaf=True, silent=True),
    "cut_off": Weather({_F.REPLY_LOST: 0.8}, read_fails=1.0, deaf=True),
    "failing": Weather({_F.FAILED: 0.4, _F.REPLY_LOST: 0.4}, read_fails=0.4, slow_s=1.0),
    "slow": Weather(slow_s=4.0),
    "jumbled": Weather(doubled=0.3, delayed=0.5),
    "dropping": Weather(dropped=0.5, delayed=0.2),
    "deaf": Weather(deaf=True),
    "deaf_and_lossy": Weather({_F.REPLY_LOST: 0.5}, deaf=True, read_fails=0.3),
    "blind": Weather(silent=True),
    "disk_down": Weather(disk_down=True),
    "disk_slow": Weather(disk_slow_s=1.0),
    "everything": Weather(
        {
            _F.REQUEST_LOST: 0.1,
            _F.REQUEST_LATE: 0.1,
            _F.REPLY_LOST: 0.15,
            _F.GARBLED: 0.05,
            _F.BARE: 0.05,
            _F.BUSY: 0.05,
            _F.UNREACHABLE: 0.05,
            _F.REFUSED: 0.05,
            _F.FAILED: 0.05,
        },
        read_fails=0.3,
        lag_s=1.0,
        slow_s=1.0,
        dropped=0.2,
        doubled=0.2,
        delayed=0.3,
        disk_slow_s=0.3,
    ),
}
"""By name. See ``exchange/fault-cases``: A in lossy, late, garbled; C in busy; E in lagging; W in
jumbled, dropping, deaf."""
