"""Importing numpy and pyqtgraph after the window is drawn."""

import gc
import importlib
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Final

from PySide6.QtCore import QObject, QTimer

_POLL_MS: Final = 15

BESIDE_QT: Final = ("numpy", "numpy.ma")
"""What is imported in a thread. Never anything that touches Qt: PySide6 fills its classes when they
are first looked at, and does not survive that in two threads at once."""


class LateImport(QObject):
    """Imports a module in Qt's thread, after its heavy part that knows no Qt, in another.

    Args:
        name: The module.
        done: Takes the module, or the exception that its import raised.
        parent: Qt's owner.
    """

    def __init__(
        self,
        name: str,
        done: Callable[[ModuleType | None, Exception | None], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._done = done
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._import, name=f"import {name}", daemon=True)
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._poll)

    def start(self) -> None:
        """Begin. Until it is done nothing is collected: Qt's objects must not die in the thread."""
        gc.disable()
        self._thread.start()
        self._timer.start()

    def wait(self) -> None:
        """Wait for the thread; nothing is handed over any more."""
        self._timer.stop()
        if self._thread.ident is not None:
            self._thread.join()
            gc.enable()

    def _import(self) -> None:
        try:
            for name in BESIDE_QT:
                importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - handed over, and shown in the panel
            self._error = error

    def _poll(self) -> None:
        if not self._thread.is_alive():
            self._timer.stop()
            self._thread.join()
            gc.enable()
            module = None
            if self._error is None:
                try:
                    module = importlib.import_module(self._name)
                except Exception as error:  # noqa: BLE001 - handed over, and shown in the panel
                    self._error = error
            self._done(module, self._error)
