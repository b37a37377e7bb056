"""SIGINT and SIGTERM in a Qt program.

Python runs signal handlers between byte codes; an idle Qt loop runs none for seconds. So the
signal's number is written to a socket pair that Qt watches.
"""

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class UnixSignals(QObject):
    """Calls ``on_signal`` in Qt's loop soon after SIGINT or SIGTERM.

    Args:
        on_signal: What to do.
        parent: Qt's owner.
    """

    def __init__(self, on_signal: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_signal = on_signal
        self._reader, self._writer = socket.socketpair()
        self._reader.settimeout(0)
        self._writer.settimeout(0)
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._old = {
            number: signal.signal(number, lambda *_: None)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._readable)

    def restore(self) -> None:
        """Put everything back as it was."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._old_fd)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def _readable(self) -> None:
        try:
            numbers = self._reader.recv(64)
        except BlockingIOError:
            return
        if {signal.SIGINT, signal.SIGTERM} & set(numbers):
            self._on_signal()
