"""Takes a notice away, or says that it is over, when what it tells is no longer so.

===================  ==================================  ============================
notice               it is over when the engine          then
===================  ==================================  ============================
the window fenced    answers again, on paper             "over" takes its place
could not fence      answers again, on paper             "over" takes its place
on paper             is live again                       it goes
live orders open     is live again, or none is open      it goes
ours ended           answers                             it goes
answer to a request  never: it is the answer to a click  it stays until dismissed
===================  ==================================  ============================

Whoever switched to paper, live orders that stay open are told of, with their number as it is now;
the window's own switch tells of them in its answer.

Only what the engine says after the notice counts: a status from before tells nothing of it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OPEN
from cryptobot.gui import mode_outcome
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.mode_outcome import Cause, Outcome
from cryptobot.gui.session import Session
from cryptobot.gui.state import Link
from cryptobot.gui.views.result_strip import ResultStrip


@dataclass(frozen=True, slots=True)
class _End:
    """When a notice is over, and what takes its place; nothing: it goes."""

    reached: Callable[[EngineStatus], bool]
    then: Callable[[EngineStatus, int], Outcome | None]
    """Gets the number of open live orders too."""


def _on_paper(status: EngineStatus) -> bool:
    return status.mode is Mode.PAPER


def _over(status: EngineStatus, open_live: int) -> Outcome:
    return mode_outcome.over(fenced=status.fenced, open_live=open_live)


def _nothing(_status: EngineStatus, _open_live: int) -> None:
    return None


ENDS: Final[Mapping[Cause, _End]] = {
    Cause.FENCED_HERE: _End(_on_paper, _over),
    Cause.NOT_FENCED: _End(_on_paper, _over),
    Cause.ON_PAPER: _End(lambda status: status.mode is Mode.LIVE, _nothing),
    Cause.LEFT_OPEN: _End(lambda status: status.mode is Mode.LIVE, _nothing),
    Cause.NO_ENGINE: _End(lambda _: True, _nothing),
}


class Notices(QObject):
    """Owns what the strip shows.

    Args:
        session: The session with the engine.
        strip: Where notices are shown.
    """

    def __init__(self, session: Session, strip: ResultStrip) -> None:
        super().__init__(strip)
        self._state = session.state
        self._strip = strip
        self._cause = Cause.ASKED
        self._shown_at = 0.0
        self._mode: Mode | None = None
        self._told = False
        """Whether this time on paper needs no more telling of what stays open."""
        self._left_open = 0
        session.refreshed.connect(self._look)

    def show(self, outcome: Outcome) -> None:
        """Show ``outcome`` in place of what was shown."""
        self._told = self._told or outcome.cause is Cause.ON_PAPER
        self._put(outcome)

    def take_back(self, cause: Cause) -> None:
        """Take the notice away if it is still the one of ``cause``."""
        if self._cause is cause:
            self._cause = Cause.ASKED
            self._strip.hide()

    def _put(self, outcome: Outcome) -> None:
        self._cause, self._shown_at = outcome.cause, time.monotonic()
        self._left_open = outcome.open_live
        self._strip.show_outcome(outcome)

    def _look(self) -> None:
        state = self._state
        if state.link is Link.ALIVE and state.status is not None and state.heard_at is not None:
            self._end(state.status, state.heard_at)
            self._tell_left_open(state.status)

    def _end(self, status: EngineStatus, heard_at: float) -> None:
        end = ENDS.get(self._cause)
        if end is None or self._strip.isHidden():
            return
        if heard_at <= self._shown_at or not end.reached(status):
            return
        outcome = end.then(status, self._open_live())
        if outcome is None:
            self.take_back(self._cause)
        else:
            self._put(outcome)

    def _tell_left_open(self, status: EngineStatus) -> None:
        switched, self._mode = status.mode is not self._mode, status.mode
        if switched:
            self._told = status.mode is not Mode.PAPER
        elif self._cause is Cause.LEFT_OPEN and self._strip.isHidden():
            self._told = True  # dismissed
        other = self._cause not in {Cause.LEFT_OPEN, Cause.ON_PAPER}
        if self._told or (other and not self._strip.isHidden()):
            return
        number = self._open_live()
        if not number:
            self.take_back(Cause.LEFT_OPEN)
        elif number != self._left_open or self._strip.isHidden():
            self._put(mode_outcome.left_open(number, status.mode_reason))

    def _open_live(self) -> int:
        orders = self._state.orders.values()
        return sum(order.mode is Mode.LIVE and order.state in OPEN for order in orders)
