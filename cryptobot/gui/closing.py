"""Closing the window: whether the engine stays, and waiting until it is gone if it does not."""

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from cryptobot.gui.banner_state import face_of
from cryptobot.gui.layout_store import LayoutStore
from cryptobot.gui.session import Session
from cryptobot.gui.views.questions import CloseAction, CloseQuestion

LONGEST_STOP_MS: Final = 8_000
"""An engine exits within five seconds; after this the window leaves anyway."""

_KEY: Final = "close_action"
_REMEMBERED: Final = frozenset(
    {CloseAction.ASK.value, CloseAction.KEEP.value, CloseAction.STOP.value}
)


class Closing(QObject):
    """Decides, asks, stops the engine, and says when the window may go.

    Args:
        session: The session with the engine.
        store: Where a remembered answer is kept.
        action: What the start options say; ``ask`` follows the remembered answer.
        window: Owns the question.

    Signals:
        stopping: The engine has been asked to stop.
        done: The window may close now.
    """

    stopping = Signal()
    done = Signal()

    def __init__(
        self, session: Session, store: LayoutStore, action: CloseAction, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._store = store
        self._action = action
        self._window = window
        self.question: CloseQuestion | None = None
        self._under_way = False

    def begin(self, *, may_ask: bool = True) -> None:
        """Begin to close; without ``may_ask`` (a signal came) an undecided engine is kept."""
        if self._under_way:
            return
        action = self._action
        if action is CloseAction.ASK:
            action = CloseAction(self._store.text(_KEY, CloseAction.ASK.value, _REMEMBERED))
        if not self._session.connection.is_open:
            action = CloseAction.KEEP
        if action is CloseAction.ASK and may_ask:
            self._ask()
        else:
            self._act(CloseAction.KEEP if action is CloseAction.ASK else action)

    def forget(self) -> None:
        """Ask again the next time."""
        self._store.put_text(_KEY, CloseAction.ASK.value)

    def _ask(self) -> None:
        if self.question is not None:
            self.question.raise_()
            return
        state = self._session.state
        open_orders = state.status.open_orders if state.status else 0
        self.question = CloseQuestion(face_of(state).value, open_orders, self._window)
        self.question.finished.connect(self._answered)
        self.question.open()

    def _answered(self) -> None:
        question, self.question = self.question, None
        if question is None:
            return
        question.deleteLater()
        if question.answer is not CloseAction.CANCEL and question.remember.isChecked():
            self._store.put_text(_KEY, question.answer.value)
        self._act(question.answer)

    def _act(self, action: CloseAction) -> None:
        if action is CloseAction.CANCEL:
            return
        self._under_way = True
        if action is CloseAction.KEEP:
            self.done.emit()
            return
        self.stopping.emit()
        self._session.connection.closed.connect(lambda _why: self._leave())
        QTimer.singleShot(LONGEST_STOP_MS, self, self._leave)
        self._session.call("engine.shutdown", self._stop_answered, reason="window closed")

    def _stop_answered(self, _result: object, error: Exception | None) -> None:
        if error is not None and not isinstance(error, ConnectionError):
            self._session.note("error", f"The engine did not stop: {error}")

    def _leave(self) -> None:
        if self._under_way:
            self._under_way = False
            self.done.emit()
