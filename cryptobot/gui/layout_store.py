"""What the window remembers between starts, as an ini file in the state directory."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings

_LAYOUT_VERSION: Final = 2
"""Raised when the panels change, so that an old layout is not forced on a new window."""


class LayoutStore:
    """Geometry, panel layout, theme and the answer to the close question.

    Args:
        state_dir: The state directory; nothing is written where it does not exist.
    """

    def __init__(self, state_dir: Path) -> None:
        self._settings = QSettings(str(state_dir / "window.ini"), QSettings.Format.IniFormat)
        self._writable = state_dir.is_dir()

    def bytes(self, key: str) -> QByteArray | None:
        """Return the blob stored under ``key`` for this layout version."""
        value = self._settings.value(f"layout{_LAYOUT_VERSION}/{key}")
        return value if isinstance(value, QByteArray) else None

    def put_bytes(self, key: str, value: QByteArray) -> None:
        """Store a blob for this layout version."""
        self._put(f"layout{_LAYOUT_VERSION}/{key}", value)

    def text(self, key: str, default: str, allowed: frozenset[str]) -> str:
        """Return the word stored under ``key`` when it is one of ``allowed``."""
        value = self._settings.value(key, default)
        return value if isinstance(value, str) and value in allowed else default

    def put_text(self, key: str, value: str) -> None:
        """Store a word."""
        self._put(key, value)

    def _put(self, key: str, value: object) -> None:
        if self._writable:
            self._settings.setValue(key, value)
            self._settings.sync()
