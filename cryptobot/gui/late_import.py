"""Importing numpy and pyqtgraph after the window is drawn, beside Qt's loop."""

import importlib
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Final

from PySide6.QtCore import QObject, QTimer

_POLL_MS: Final = 15


class LateImport(QObject):
    """Imports a module in a thread and hands it over in Qt's thread.

    Qt objects must not be made at import by the module: they would belong to the wrong thread.

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
        self._module: ModuleType | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._import, name=f"import {name}", daemon=True)
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._poll)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._timer.start()

    def wait(self) -> None:
        """Wait for the thread; nothing is handed over any more."""
        self._timer.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _import(self) -> None:
        try:
            self._module = importlib.import_module(self._name)
        except Exception as error:  # noqa: BLE001 - handed over, and shown in the panel
            self._error = error

    def _poll(self) -> None:
        if not self._thread.is_alive():
            self._timer.stop()
            self._thread.join()
            self._done(self._module, self._error)
