"""A table that looks the same everywhere: fixed rows, widths by sample, a hint when empty."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractItemModel, QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from cryptobot.gui.models.columns import Column
from cryptobot.gui.theme import active, color, figure_font, ui_font

_ROW_PADDING: Final = 9
_CELL_PADDING: Final = 22
_HINT_INSET: Final = 24
_SORT_ROOM: Final = 6


class DataTable(QTableView):
    """A read-only table.

    Args:
        model: Its rows.
        columns: Their columns, for widths.
        name: What it is, for screen readers.
        hint: Shown in the middle while there are no rows: what would be here, how it gets here.
        parent: Qt's owner.
        drop_to_fit: Hide the least important columns that have no room instead of scrolling; the
            first column takes what is left. What is hidden should be in the tooltip.
        last_takes_rest: The last column takes what is left, not the first.
    """

    def __init__(
        self,
        model: QAbstractItemModel,
        columns: Sequence[Column[Any]],
        name: str,
        hint: str,
        parent: QWidget | None = None,
        *,
        drop_to_fit: bool = False,
        last_takes_rest: bool = False,
    ) -> None:
        super().__init__(parent)
        self.hint = hint
        self._drop_to_fit = drop_to_fit
        self._widths: list[int] = []
        self._ranks = [column.rank for column in columns]
        self._first: frozenset[int] = frozenset()
        self._left_out: frozenset[int] = frozenset()
        self.setModel(model)
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(QFontMetrics(figure_font()).height() + _ROW_PADDING)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(36)
        head.setFixedHeight(QFontMetrics(ui_font()).height() + _ROW_PADDING + 3)
        head.setFont(ui_font(8.5))
        head.setStretchLastSection(last_takes_rest)
        self._fit(columns)

    def _fit(self, columns: Sequence[Column[Any]]) -> None:
        words, numbers, heads = (
            QFontMetrics(ui_font()),
            QFontMetrics(figure_font()),
            QFontMetrics(ui_font()),
        )
        head = self.horizontalHeader()
        for at, column in enumerate(columns):
            cell = (numbers if column.figures else words).horizontalAdvance(column.sample)
            title = heads.horizontalAdvance(column.title) + _SORT_ROOM
            self._widths.append(max(cell, title) + _CELL_PADDING)
            head.resizeSection(at, self._widths[at])
            if column.stretch:
                head.setSectionResizeMode(at, QHeaderView.ResizeMode.Stretch)

        if self._drop_to_fit:
            if not head.stretchLastSection():
                head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the columns there is room for."""
        super().resizeEvent(event)
        self._drop()

    def prefer(self, first: Iterable[int], left_out: Iterable[int] = ()) -> None:
        """Drop the columns ``first`` last, whatever their rank; never show those ``left_out``."""
        self._first, self._left_out = frozenset(first), frozenset(left_out)
        self._drop()

    def _drop(self) -> None:
        if not self._drop_to_fit:
            return
        room = self.viewport().width()
        wanted = [at for at in range(len(self._ranks)) if at not in self._left_out]
        wanted.sort(key=lambda at: (at not in self._first, self._ranks[at]))
        for place, at in enumerate(wanted):
            room -= self._widths[at]
            self.setColumnHidden(at, place > 0 and room < 0)
        for at in self._left_out:
            self.hideColumn(at)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the hint where rows would be."""
        super().paintEvent(event)
        if self.model().rowCount() or not self.hint:
            return
        painter = QPainter(self.viewport())
        painter.setPen(color(active().faint))
        painter.setFont(ui_font())
        area: QRect = self.viewport().rect().adjusted(_HINT_INSET, 0, -_HINT_INSET, 0)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(area, int(flags), self.hint)
        painter.end()
