"""Takes a notice away, or says that it is over, when what it tells is no longer so.

===================  ==================================  ============================
notice               it is over when the engine          then
===================  ==================================  ============================
the window fenced    answers again, on paper             "over" takes its place
could not fence      answers again, on paper             "over" takes its place
on paper             is live again                       it goes
ours ended           answers                             it goes
answer to a request  never: it is the answer to a click  it stays until dismissed
===================  ==================================  ============================

Only what the engine says after the notice counts: a status from before tells nothing of it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject

from cryptobot.domain.mode import Mode
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
    then: Callable[[EngineStatus], Outcome | None]


def _on_paper(status: EngineStatus) -> bool:
    return status.mode is Mode.PAPER


def _over(status: EngineStatus) -> Outcome:
    return mode_outcome.over(fenced=status.fenced)


ENDS: Final[Mapping[Cause, _End]] = {
    Cause.FENCED_HERE: _End(_on_paper, _over),
    Cause.NOT_FENCED: _End(_on_paper, _over),
    Cause.ON_PAPER: _End(lambda status: status.mode is Mode.LIVE, lambda _: None),
    Cause.NO_ENGINE: _End(lambda _: True, lambda _: None),
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
        session.refreshed.connect(self._look)

    def show(self, outcome: Outcome) -> None:
        """Show ``outcome`` in place of what was shown."""
        self._cause, self._shown_at = outcome.cause, time.monotonic()
        self._strip.show_outcome(outcome)

    def take_back(self, cause: Cause) -> None:
        """Take the notice away if it is still the one of ``cause``."""
        if self._cause is cause:
            self._cause = Cause.ASKED
            self._strip.hide()

    def _look(self) -> None:
        state = self._state
        end = ENDS.get(self._cause)
        if end is None or self._strip.isHidden():
            return
        if state.link is not Link.ALIVE or state.status is None or state.heard_at is None:
            return
        if state.heard_at <= self._shown_at or not end.reached(state.status):
            return
        outcome = end.then(state.status)
        if outcome is None:
            self.take_back(self._cause)
        else:
            self.show(outcome)
