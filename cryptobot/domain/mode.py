"""Where orders go, and whether new ones are taken."""

from enum import StrEnum


class Mode(StrEnum):
    """Where an order goes."""

    LIVE = "live"
    """To the exchange: real money (or a simulator's)."""
    PAPER = "paper"
    """To the paper exchange in this process: no order leaves the machine."""


class TradingState(StrEnum):
    """Whether new orders are taken."""

    ACTIVE = "active"
    REDUCING = "reducing"
    """Only orders that make a position smaller."""
    HALTED = "halted"
    """None; cancels still go through."""


class ModeTrigger(StrEnum):
    """What changed the mode."""

    START = "start"
    OPERATOR = "operator"
    """``mode.set`` over the control socket: the window or ``ops/mode_switch.py``."""
    FENCE_FILE = "fence_file"
    """Somebody created ``PAPER_ONLY``."""
    CRASH_LOOP = "crash_loop"
    FAILOVER = "failover"
