"""What the banner must say, derived from what is known. Pure.

=============================  ============  ===============================================
what is known                  face          because
=============================  ============  ===============================================
nothing heard yet              CONNECTING    no mode is known, so none is claimed
none there, none expected      NO ENGINE     ``gui.engine_start`` says when, and what to do
heard, then silent or closed   ENGINE LOST   an old mode is not the mode
mode paper                     PAPER         no order leaves the machine
mode live, exchange simulated  SIMULATED     orders leave, for a simulator: no real money
mode live                      LIVE          real money moves
=============================  ============  ===============================================
"""

from dataclasses import dataclass
from enum import StrEnum

from cryptobot.domain.mode import Mode, TradingState
from cryptobot.gui import figures
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.market_age import Age
from cryptobot.gui.reported import instant
from cryptobot.gui.state import EngineState, Link
from cryptobot.gui.wire_values import Malformed


class Face(StrEnum):
    """What the banner shows, by its word."""

    CONNECTING = "CONNECTING"
    ABSENT = "NO ENGINE"
    LIVE = "LIVE"
    PAPER = "PAPER"
    SIMULATED = "SIMULATED"
    LOST = "ENGINE LOST"


MEANING = {
    Face.CONNECTING: "Connecting to the engine...",
    Face.ABSENT: "Nothing trades",
    Face.LIVE: "Real money moves",
    Face.PAPER: "No order leaves this machine",
    Face.SIMULATED: "Orders go to a simulated exchange",
    Face.LOST: "Nothing below is current",
}


@dataclass(frozen=True, slots=True)
class Banner:
    """Everything the banner writes.

    Attributes:
        headline: What the face means.
        detail: Since when, and why.
        venue: Account and exchange.
        startable: Whether an engine may be started: none runs, and the window knows how.
        marks: Short warnings such as HALTED and FENCED, each shown as a chip.
    """

    face: Face
    headline: str
    detail: str
    venue: str
    marks: tuple[str, ...] = ()
    startable: bool = False


def face_of(state: EngineState) -> Face:
    """Return the face; the table above."""
    if state.link is Link.LOST:
        return Face.LOST
    if state.link is Link.CONNECTING or state.status is None:
        absent = state.start is not None and state.start.absent
        return Face.ABSENT if absent else Face.CONNECTING
    if state.status.mode is Mode.PAPER:
        return Face.PAPER
    return Face.SIMULATED if state.status.simulated else Face.LIVE


def banner_of(state: EngineState, now: float) -> Banner:
    """Return what the banner shows; ``now`` in seconds since the epoch."""
    face = face_of(state)
    headline = MEANING[face]
    if state.link is Link.CONNECTING or state.status is None:
        headline, detail = state.start.words if state.start else (headline, "")
        return Banner(face, headline, detail, "", startable=_startable(state))
    if face is Face.LOST:
        silent = figures.age(state.silent_for)
        trouble = state.start.trouble if state.start else ""
        because = trouble or state.lost_because or "no answer"
        detail = f"{because} \N{MIDDLE DOT} last heard {silent} ago"
        venue = _venue(state.status)
        return Banner(face, headline, _sentence(detail), venue, startable=_startable(state))
    marks = _marks(state.status, state.market_age())
    return Banner(face, headline, _since(state.status, now), _venue(state.status), marks)


def _startable(state: EngineState) -> bool:
    start = state.start
    return start is not None and start.can_start and start.pid is None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _venue(status: EngineStatus) -> str:
    return f"{status.account} \N{MIDDLE DOT} {status.exchange}"


def _since(status: EngineStatus, now: float) -> str:
    try:
        since = f"Since {figures.day_and_clock(instant(status.mode_since), now)}"
    except Malformed:
        since = f"Since {status.mode_since}"
    return f"{since} \N{MIDDLE DOT} {status.mode_reason}" if status.mode_reason else since


def _marks(status: EngineStatus, prices: Age) -> tuple[str, ...]:
    marks = []
    if status.trading_state and status.trading_state != TradingState.ACTIVE:
        marks.append(status.trading_state.upper())
    if status.fenced:
        marks.append("FENCED")
    if not status.exchange_up:
        marks.append("EXCHANGE DOWN")
    elif prices.old:
        marks.append("NO PRICES" if prices.seconds is None else "PRICES OLD")
    return tuple(marks)
