"""The window's line to the engine: asynchronous, in the window's own thread.

Parsing is budgeted so that a flood never freezes the window; what is not parsed yet stays in the
socket, where the engine sees a slow reader and sends only the latest of what may be coalesced.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalSocket

from cryptobot.control.protocol import RpcError
from cryptobot.gui.lines import JsonLines, LineTooLong
from cryptobot.gui.wire_values import count, mapping, optional_text, part

BUDGET_S: Final = 0.008
"""Longest parsing before the window gets to draw again."""

RETRY_MS: Final[Sequence[int]] = (100, 200, 400, 800, 1_500, 2_000)
"""Waits between attempts to connect; the last one repeats."""

_SOCKET_BUFFER: Final = 4 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_SWEEP_MS: Final = 100

Done = Callable[[object, Exception | None], None]
"""Called exactly once for each call: with the result, or with what went wrong
(``RpcError``, ``TimeoutError``, ``ConnectionError``)."""


@dataclass(slots=True)
class _Waiting:
    method: str
    done: Done
    deadline: float


class EngineConnection(QObject):
    """Connects, connects again, calls, and hands over notifications.

    Args:
        path: The engine's control socket.
        on_event: Takes each notification's topic and data; may raise ``ValueError``.
        parent: Qt's owner.

    Signals:
        opened: A connection stands.
        closed: It is gone; says why in words.
        trouble: One line about a message that could not be read.
    """

    opened = Signal()
    closed = Signal(str)
    trouble = Signal(str)

    def __init__(
        self, path: Path, on_event: Callable[[str, object], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._path = path
        self._on_event = on_event
        self._lines = JsonLines()
        self._waiting: dict[int, _Waiting] = {}
        self._next_id = 0
        self._failures = 0
        self._was_open = False
        self._closing = False
        self._socket = QLocalSocket(self)
        self._socket.setReadBufferSize(_SOCKET_BUFFER)
        self._socket.connected.connect(self._opened)
        self._socket.readyRead.connect(self._read)
        self._socket.stateChanged.connect(self._state_changed)
        self._retry = QTimer(self, singleShot=True)
        self._retry.timeout.connect(self._connect)
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self._read)
        self._sweep = QTimer(self, interval=_SWEEP_MS)
        self._sweep.timeout.connect(self._expire)

    @property
    def is_open(self) -> bool:
        """Whether a connection stands now."""
        return self._socket.state() is QLocalSocket.LocalSocketState.ConnectedState

    def start(self) -> None:
        """Connect, and keep connecting."""
        self._connect()

    def stop(self) -> None:
        """Hang up for good; calls still waiting are answered with ``ConnectionError``."""
        self._closing = True
        for timer in (self._retry, self._more, self._sweep):
            timer.stop()
        self._socket.abort()

    def drop(self, because: str) -> None:
        """Hang up and connect anew."""
        self.trouble.emit(because)
        self._socket.abort()

    def call(
        self, method: str, params: dict[str, object], done: Done, *, timeout_s: float = 10.0
    ) -> None:
        """Ask the engine; ``done`` is called once, never before this returns to Qt's loop.

        Args:
            method: A method of the protocol.
            params: Its parameters.
            done: Takes the result or the error.
            timeout_s: After this many seconds ``done`` gets a ``TimeoutError``; a late answer is
                dropped.
        """
        if not self.is_open:
            QTimer.singleShot(
                0, self, lambda: done(None, ConnectionError("no engine is connected"))
            )
            return
        self._next_id += 1
        self._waiting[self._next_id] = _Waiting(method, done, time.monotonic() + timeout_s)
        request = {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}
        self._socket.write(json.dumps(request).encode() + b"\n")
        self._socket.flush()
        self._sweep.start()

    def _connect(self) -> None:
        if not self._closing:
            self._socket.connectToServer(str(self._path))

    def _opened(self) -> None:
        self._failures = 0
        self._was_open = True
        self._lines = JsonLines()
        self.opened.emit()

    def _state_changed(self, state: QLocalSocket.LocalSocketState) -> None:
        if state is not QLocalSocket.LocalSocketState.UnconnectedState:
            return
        self._more.stop()
        if self._was_open and not self._closing:  # hanging up ourselves loses no engine
            self._was_open = False
            self.closed.emit("the engine closed the connection")
        waiting, self._waiting = self._waiting, {}
        for call in waiting.values():
            call.done(None, ConnectionError("the engine hung up before it answered"))
        if not self._closing:
            self._retry.start(RETRY_MS[min(self._failures, len(RETRY_MS) - 1)])
            self._failures += 1

    def _read(self) -> None:
        until = time.monotonic() + BUDGET_S
        while time.monotonic() < until:
            if not self._lines.pending:
                chunk = bytes(self._socket.read(_CHUNK).data())
                if not chunk:
                    return
                try:
                    self._lines.feed(chunk)
                except LineTooLong as error:
                    self.drop(f"The engine sent {error}; connecting anew")
                    return
            self._take_one()
        self._more.start()

    def _take_one(self) -> None:
        try:
            message = self._lines.next()
            if message is not None:
                self._dispatch(message)
        except ValueError as error:  # not JSON, or not what the protocol says
            self.trouble.emit(f"A message from the engine was passed over: {error}")

    def _dispatch(self, message: dict[str, object]) -> None:
        if "method" in message:
            params = mapping(message.get("params"), "params")
            self._on_event(optional_text(params, "topic") or "", params.get("data"))
            return
        call = self._waiting.pop(count(message, "id"), None)
        if call is None:
            return  # the late answer of a call that timed out
        error = message.get("error")
        if error is None:
            call.done(message.get("result"), None)
        else:
            fields = mapping(error, "error")
            words = optional_text(fields, "message") or f"{call.method} failed"
            call.done(None, RpcError(count(fields, "code"), words, part(fields, "data")))

    def _expire(self) -> None:
        now = time.monotonic()
        late = [number for number, call in self._waiting.items() if call.deadline <= now]
        for number in late:
            call = self._waiting.pop(number)
            call.done(None, TimeoutError(f"the engine did not answer {call.method} in time"))
        if not self._waiting:
            self._sweep.stop()
