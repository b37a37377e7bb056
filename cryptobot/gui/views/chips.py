"""Order states as chips: word, colour, and for trouble an outline that stands out."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from cryptobot.domain.order import OrderState
from cryptobot.gui.models.columns import ROW_ROLE
from cryptobot.gui.theme import active, color, ui_font
from cryptobot.gui.tokens import Tokens

_PAD = 7
_LEFT = 8
_POINTS = 7.5


Ink = Callable[[Any, Tokens], tuple[str, bool]]
"""The colour of a row's chip, and whether it is filled: only what needs a person is."""


class StateChip(QStyledItemDelegate):
    """Draws a state's word in a rounded box.

    Args:
        parent: Qt's owner.
        ink: Colours by row; without it by the word, which is a state of an order or strategy.
    """

    def __init__(self, parent: QObject | None = None, ink: Ink | None = None) -> None:
        super().__init__(parent)
        self._ink = ink

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw the cell."""
        state = str(index.data(Qt.ItemDataRole.DisplayRole))
        ink, filled = (
            chip_ink(state, active())
            if self._ink is None
            else self._ink(index.data(ROW_ROLE), active())
        )
        if not option.state & QStyle.StateFlag.State_Enabled:
            ink, filled = active().faint, False  # what it says is not current
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, option.palette.highlight())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = ui_font(_POINTS, bold=True)
        words = state.replace("_", " ").upper()
        width = QFontMetrics(font).horizontalAdvance(words) + 2 * _PAD
        cell = QRectF(option.rect)
        height = QFontMetrics(font).height() + 3
        box = QRectF(cell.left() + _LEFT, cell.center().y() - height / 2, width, height)
        painter.setPen(color(ink) if filled else Qt.PenStyle.NoPen)
        painter.setBrush(color(ink, 1.0 if filled else 0.16))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(color(active().ground) if filled else color(ink))
        painter.setFont(font)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), words)
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return room for the word."""
        hint = super().sizeHint(option, index)
        return QSize(hint.width() + 2 * _PAD, hint.height())


def chip_ink(state: str, t: Tokens) -> tuple[str, bool]:
    """Return a state's colour and whether the chip is filled: only what needs a person is."""
    table = {
        OrderState.INITIALIZED: (t.muted, False),
        OrderState.SUBMITTED: (t.warn, False),
        OrderState.ACCEPTED: (t.accent, False),
        OrderState.PARTIALLY_FILLED: (t.accent, False),
        OrderState.FILLED: (t.good, False),
        OrderState.CANCELED: (t.muted, False),
        OrderState.EXPIRED: (t.muted, False),
        OrderState.DENIED: (t.bad, False),
        OrderState.REJECTED: (t.bad, False),
        OrderState.UNRESOLVED: (t.warn, True),
        "running": (t.good, False),
        "stopped": (t.muted, False),
        "failed": (t.bad, True),
    }
    return table.get(state, (t.muted, False))
