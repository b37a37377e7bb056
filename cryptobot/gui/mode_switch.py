"""Switching the mode from the window.

Paper always ends fenced: acknowledged by the engine, or by the fence file written here when the
engine does not answer in ``ANSWER_S``, is not connected, or answers with an error.
"""

import getpass
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Signal

from cryptobot.control.protocol import FENCE_NAME
from cryptobot.domain.mode import Mode
from cryptobot.gui import mode_outcome
from cryptobot.gui.fence import write_fence
from cryptobot.gui.mode_outcome import BUSY, Outcome
from cryptobot.gui.session import Session
from cryptobot.gui.wire_values import Malformed

ANSWER_S: Final = 2.0
"""How long the engine has to acknowledge paper."""

_LIVE_ANSWER_S: Final = 30.0
"""Going live reconciles first; there is no hurry."""

_CANCEL_ANSWER_S: Final = 15.0


class ModeSwitch(QObject):
    """Asks the engine to change the mode and says what came of it.

    Args:
        session: The session with the engine.
        parent: Qt's owner.

    Signals:
        outcome: An ``Outcome`` to show.
    """

    outcome = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._busy = False

    def to_paper(self) -> None:
        """Switch to paper now; no question is asked."""
        if self._busy:
            return
        self._busy = True
        self.outcome.emit(BUSY)
        self._ask_paper("switched to paper from the window", ANSWER_S, cancel_open=False)

    def cancel_open_live(self) -> None:
        """Cancel the live orders that stayed open on the exchange."""
        self.outcome.emit(Outcome(mode_outcome.Tone.BUSY, "Cancelling the open live orders..."))
        self._ask_paper(
            "open live orders cancelled from the window", _CANCEL_ANSWER_S, cancel_open=True
        )

    def to_live(self, account: str, reason: str, done: Callable[[Outcome | None], None]) -> None:
        """Ask for live; ``done`` gets ``None`` when it is granted, else why not."""

        def answered(_result: object, error: Exception | None) -> None:
            done(None if error is None else mode_outcome.refused_live(error))

        self._session.call(
            "mode.set",
            answered,
            timeout_s=_LIVE_ANSWER_S,
            mode=str(Mode.LIVE),
            reason=reason,
            actor=actor(),
            confirm=account,
        )

    def _ask_paper(self, reason: str, timeout_s: float, *, cancel_open: bool) -> None:
        self._session.call(
            "mode.set",
            self._paper_answered,
            timeout_s=timeout_s,
            mode=str(Mode.PAPER),
            reason=reason,
            actor=actor(),
            cancel_open=cancel_open,
        )

    def _paper_answered(self, result: object, error: Exception | None) -> None:
        self._busy = False
        if error is None:
            try:
                self.outcome.emit(mode_outcome.acknowledged_paper(result))
            except Malformed as problem:
                error = problem
            else:
                return
        state_dir = self._session.state_dir
        try:
            path = write_fence(state_dir, f"written by the window: {error}")
        except OSError as problem:
            self.outcome.emit(mode_outcome.not_fenced(state_dir / FENCE_NAME, error, problem))
        else:
            self._session.note("critical", f"{path} written: {error}")
            self.outcome.emit(mode_outcome.fenced(path, error))


def actor() -> str:
    """Return who acts: the login name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "window"
