"""One subject of the health panel: what it is about, its rows, the chosen row whole, buttons."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cryptobot.gui.health_checks import Tone
from cryptobot.gui.models.columns import Column
from cryptobot.gui.models.rows import RowsModel
from cryptobot.gui.tokens import Tokens
from cryptobot.gui.views.chips import StateChip
from cryptobot.gui.views.data_table import DataTable
from cryptobot.gui.views.words import label, set_role

_LINES: Final = 4
"""Of the chosen row's words; longer ones scroll."""


def tone_ink(tone: Tone, t: Tokens) -> tuple[str, bool]:
    """Return the colour of a tone's chip and whether it is filled: only what needs a person is."""
    return {
        Tone.GOOD: (t.good, False),
        Tone.QUIET: (t.muted, False),
        Tone.WARN: (t.warn, True),
        Tone.BAD: (t.bad, True),
    }[tone]


class HealthPage(QWidget):
    """A table whose chosen row is told whole below it, where it can be copied.

    Args:
        name: What the rows are, for screen readers.
        columns: How they are shown.
        hint: Shown while there are none.
        explain: Everything about a row, in words.
        key: What a row is known by: a choice follows it, wherever it moves.
        tone: How a row is, for the chip in column ``chip``.
        chip: The column that holds a chip; ``None`` for none.
        buttons: For the chosen row; they work while there is one.

    Signals:
        chosen_changed: Another row is chosen, or none.
    """

    chosen_changed = Signal()

    def __init__(
        self,
        name: str,
        columns: Sequence[Column[Any]],
        hint: str,
        *,
        explain: Callable[[Any], str],
        key: Callable[[Any], str],
        tone: Callable[[Any], Tone] | None = None,
        chip: int | None = None,
        buttons: Sequence[QPushButton] = (),
    ) -> None:
        super().__init__()
        self._explain = explain
        self._key = key
        self._wanted = ""
        self._alive = False
        self._buttons = buttons
        self.headline = label("", "muted")
        self.headline.setWordWrap(True)
        self.headline.setContentsMargins(9, 7, 12, 5)
        self.model = RowsModel(columns, explain, self)
        self.table = DataTable(
            self.model, columns, name, hint, drop_to_fit=True, last_takes_rest=True
        )
        self.table.setSelectionMode(self.table.SelectionMode.SingleSelection)
        if chip is not None and tone is not None:
            self.table.setItemDelegateForColumn(
                chip, StateChip(self.table, lambda row, t: tone_ink(tone(row), t))
            )
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.told = label()
        self.told.setWordWrap(True)
        self.told.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.told.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.told.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._scroll = _FootScroll(self.told)
        foot = QHBoxLayout()
        foot.setContentsMargins(9, 6, 12, 8)
        foot.setSpacing(6)
        foot.addWidget(self._scroll, 1)
        for button in buttons:
            foot.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.headline)
        column.addWidget(self.table, 1)
        column.addLayout(foot)
        self._tell()

    def show_rows(self, rows: Sequence[Any], headline: str, *, alive: bool) -> None:
        """Show ``rows``; the buttons work while the engine is ``alive``."""
        self._alive = alive
        self.headline.setText(headline)
        wanted = self._wanted
        if [self._key(row) for row in rows] == self._keys():
            self.model.show(rows)
        else:
            self.table.clearSelection()
            self.model.show(rows)
            self._choose(wanted)
        self._tell()

    def chosen(self) -> Any | None:
        """Return the chosen row; the only one is always chosen."""
        selected = self.table.selectionModel().selectedRows()
        if selected:
            return self.model.row_at(selected[0].row())
        return self.model.row_at(0) if self.model.rowCount() == 1 else None

    def _keys(self) -> list[str]:
        return [self._key(self.model.row_at(at)) for at in range(self.model.rowCount())]

    def _choose(self, key: str) -> None:
        keys = self._keys()
        if key in keys:
            flags = QItemSelectionModel.SelectionFlag
            self.table.selectionModel().select(
                self.model.index(keys.index(key), 0), flags.ClearAndSelect | flags.Rows
            )

    def _selected(self) -> None:
        row = self.chosen()
        self._wanted = "" if row is None else self._key(row)
        self._tell()
        self.chosen_changed.emit()

    def _tell(self) -> None:
        row = self.chosen()
        for button in self._buttons:
            button.setEnabled(self._alive and row is not None)
        words = "" if row is None else self._explain(row)
        if row is None and self.model.rowCount() and self._buttons:
            words = "Choose one"
        set_role(self.told, "" if row is not None else "faint")
        if self.told.text() != words:  # else what is being copied would lose its selection
            self.told.setText(words)
        self._scroll.setVisible(bool(words))
        self._scroll.updateGeometry()


class _FootScroll(QScrollArea):
    """As high as its words need, up to ``_LINES`` lines; longer ones scroll."""

    def __init__(self, told: QLabel) -> None:
        super().__init__()
        self._told = told
        self.setWidget(told)
        told.setAutoFillBackground(False)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for another height at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the height that the words need at this width."""
        most = self.fontMetrics().lineSpacing() * _LINES + 2
        return QSize(120, min(most, self._told.heightForWidth(self.viewport().width()) + 2))

    def minimumSizeHint(self) -> QSize:
        """Return a size that lets a layout squeeze it."""
        return QSize(60, self.fontMetrics().lineSpacing() + 2)
