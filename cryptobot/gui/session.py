"""The window's session with an engine: connect, read everything again, watch for silence.

Panels listen to ``refreshed``, which comes at most ``REFRESH_HZ`` times a second and not at all
while nothing happens.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from cryptobot.control.protocol import SOCKET_NAME, Topic
from cryptobot.domain.order import OrderState
from cryptobot.gui.connection import Done, EngineConnection
from cryptobot.gui.incidents import Incidents
from cryptobot.gui.state import STALE_AFTER_S, EngineState, Link
from cryptobot.gui.wire_values import sequence

REFRESH_HZ: Final = 16
_WATCH_MS: Final = 250
_LISTED_ORDERS: Final = 2_000
_LISTED_FILLS: Final = 2_000
_BY_STATE = (
    OrderState.UNRESOLVED,
    OrderState.ACCEPTED,
    OrderState.PARTIALLY_FILLED,
    OrderState.REJECTED,
)
"""Asked for by name, so that an old one is never hidden behind many newer orders."""


class Session(QObject):
    """Owns the connection and the state.

    Args:
        state_dir: Where the engine's socket and the fence file are.
        incidents: The window's own trouble, shown in the log pane.
        parent: Qt's owner.

    Signals:
        refreshed: A ``Changes``: what the panels should draw anew.
        beat: Four times a second: for ages and clocks.
        resynced: A connection was made and everything is being read again.
    """

    refreshed = Signal(object)
    beat = Signal()
    resynced = Signal()

    def __init__(
        self, state_dir: Path, incidents: Incidents | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state_dir = state_dir
        self.state = EngineState(time.monotonic, time.time)
        self._incidents = incidents or Incidents()
        self._connected_at: float | None = None
        self.connection = EngineConnection(state_dir / SOCKET_NAME, self._event, self)
        self.connection.opened.connect(self._opened)
        self.connection.closed.connect(self._closed)
        self.connection.trouble.connect(self._trouble)
        self._refresh = QTimer(self, singleShot=True, interval=1_000 // REFRESH_HZ)
        self._refresh.timeout.connect(self._hand_over)
        self._watch = QTimer(self, interval=_WATCH_MS)
        self._watch.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to connect and to watch."""
        self._watch.start()
        self.connection.start()

    def stop(self) -> None:
        """Hang up."""
        self._watch.stop()
        self._refresh.stop()
        self.connection.stop()

    def call(self, method: str, done: Done, *, timeout_s: float = 10.0, **params: object) -> None:
        """Ask the engine; see ``EngineConnection.call``."""
        self.connection.call(method, params, done, timeout_s=timeout_s)

    def note(self, level: str, words: str) -> None:
        """Put a line of the window's own into the log pane."""
        self.state.note(level, words)
        self._touch()

    def take_order(self, data: object) -> None:
        """Take an order that came as an answer, as if it had come by its topic."""
        try:
            self.state.read_order(data)
        except ValueError as problem:
            self.note("warning", f"An order was passed over: {problem}")
        self._touch()

    def read(
        self,
        method: str,
        reader: Callable[[object], None],
        failed: Callable[[], None],
        **params: object,
    ) -> None:
        """Ask the engine; its answer goes to ``reader``, ``failed`` is called if there is none."""
        read = self._reading(reader)

        def done(result: object, error: Exception | None) -> None:
            if error is None:
                read(result, None)
            else:
                failed()

        self.connection.call(method, params, done)

    def take_candles(self, data: object) -> None:
        """Take the answer of ``market.candles``."""
        try:
            self.state.read_candle_history(data)
        except ValueError as problem:
            self.note("warning", f"Candles were passed over: {problem}")
        self._touch()

    def _opened(self) -> None:
        self._connected_at = time.monotonic()
        read = self._reading
        self.call("subscribe", read(lambda _: None), topics=[str(topic) for topic in Topic])
        self.call("engine.status", read(self.state.read_status))
        self.call("instrument.list", read(self.state.read_instruments))
        self.call("portfolio.get", read(self.state.read_portfolio))
        self.call("strategy.list", read(self.state.read_strategies))
        self.call("fill.list", read(self._each(self.state.read_fill)), limit=_LISTED_FILLS)
        orders = read(self._each(self.state.read_order))
        self.call("order.list", orders, limit=_LISTED_ORDERS)
        for state in _BY_STATE:
            self.call("order.list", orders, state=str(state), limit=_LISTED_ORDERS)
        self.resynced.emit()

    def _closed(self, because: str) -> None:
        self._connected_at = None
        self.state.lose(because)
        self._hand_over()  # at once: an old mode must not stand a frame longer

    def _trouble(self, words: str) -> None:
        self.note("warning", words)

    def _event(self, topic: str, data: object) -> None:
        lost = self.state.link is Link.LOST
        self.state.read_event(topic, data)
        if topic == Topic.MODE or (lost and topic == Topic.STATUS):
            self._hand_over()
        else:
            self._touch()

    def _reading(self, reader: Callable[[object], None]) -> Done:
        def done(result: object, error: Exception | None) -> None:
            if error is not None:
                if not isinstance(error, ConnectionError):
                    self.note("warning", f"The engine did not answer: {error}")
                return
            try:
                reader(result)
            except ValueError as problem:
                self.note("warning", f"An answer of the engine was passed over: {problem}")
            self._touch()

        return done

    def _each(self, reader: Callable[[object], None]) -> Callable[[object], None]:
        def read(result: object) -> None:
            for item in sequence(result, "answer"):
                try:
                    reader(item)
                except ValueError as problem:  # one bad item must not hide the others
                    self.note("warning", f"An item of an answer was passed over: {problem}")

        return read

    def _touch(self) -> None:
        if self.state.dirty and not self._refresh.isActive():
            self._refresh.start()

    def _hand_over(self) -> None:
        if self.state.dirty:
            self.refreshed.emit(self.state.take_changes())

    def _beat(self) -> None:
        self.state.check_silence()
        for level, words in self._incidents.take():
            self.state.note(level, words)
        if self.state.link is not Link.ALIVE and self._connected_at is not None:
            silent = time.monotonic() - self._connected_at
            if silent > STALE_AFTER_S and self.state.link is Link.CONNECTING:
                self._connected_at = time.monotonic()
                self.note("warning", "The engine's socket is open but it does not speak")
        self._touch()
        self.beat.emit()
