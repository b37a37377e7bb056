"""How a table's column reads a row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from cryptobot.gui.theme import active, figure_font, ui_font
from cryptobot.gui.tokens import Tokens

Row = TypeVar("Row")

ROW_ROLE = Qt.ItemDataRole.UserRole + 1
"""Gives a delegate the row itself."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column.

    Attributes:
        title: Its heading.
        text: What a cell shows.
        sample: A text as wide as the column should be.
        key: What it sorts by.
        figures: Set in the font of numbers, to the right.
        ink: The colour of a cell's words by row and theme; ``None`` for the usual.
        stretch: Takes what width is left.
        rank: In a table that drops what has no room, the highest go first, from the right.
    """

    title: str
    text: Callable[[Row], str]
    sample: str
    key: Callable[[Row], Any] | None = None
    figures: bool = False
    ink: Callable[[Row, Tokens], str | None] | None = None
    stretch: bool = False
    rank: int = 0

    def data(self, row: Row, role: int) -> object:
        """Return what Qt asks of the cell of ``row``."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment
        if role == Qt.ItemDataRole.FontRole:
            return _font(self.figures)
        if role == Qt.ItemDataRole.ForegroundRole and self.ink is not None:
            name = self.ink(row, active())
            return None if name is None else _color(name)
        return row if role == ROW_ROLE else None

    @property
    def alignment(self) -> int:
        """Where the words stand: numbers to the right."""
        side = Qt.AlignmentFlag.AlignRight if self.figures else Qt.AlignmentFlag.AlignLeft
        return int((side | Qt.AlignmentFlag.AlignVCenter).value)


@lru_cache(maxsize=2)
def _font(figures: bool) -> object:  # one font object for all cells: making one each time is slow
    return figure_font() if figures else ui_font()


@lru_cache(maxsize=64)
def _color(name: str) -> QColor:
    return QColor(name)
