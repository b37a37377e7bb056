"""The price axis: thousands separated, the last price on a tag."""

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from cryptobot.gui.theme import color, figure_font

_TAG = "#2A6FC4"
_OLD_TAG = "#5B6572"
_HALF = 9.0


class PriceAxis(pg.AxisItem):  # type: ignore[misc]
    """An axis at the right."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self._last: float | None = None
        self._old = False

    def show_last(self, price: float | None) -> None:
        """Put the tag at ``price``; ``None`` takes it away."""
        self._last = price
        self.update()

    def show_old(self, *, old: bool) -> None:
        """Grey the tag while the price is not current."""
        self._old = old
        self.update()

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Write the ticks with as many places as their spacing needs."""
        places = 0 if spacing >= 1 else len(f"{spacing:.8f}".rstrip("0").partition(".")[2])
        return [f"{value * scale:,.{places}f}" for value in values]

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the axis, then the tag over it."""
        super().paint(painter, option, widget)
        view: Any = self.linkedView()
        if self._last is None or view is None:
            return
        at = self.mapFromScene(view.mapViewToScene(QPointF(0, self._last))).y()
        area = self.boundingRect()
        if not area.top() <= at <= area.bottom():
            return
        tag = QRectF(0, at - _HALF, self.size().width(), 2 * _HALF)
        painter.fillRect(tag, color(_OLD_TAG if self._old else _TAG))
        painter.setPen(color("#FFFFFF"))
        painter.setFont(figure_font(8.5, bold=True))
        words = f"{self._last:,.2f}" if abs(self._last) >= 1 else f"{self._last:.6f}"
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(tag.adjusted(6, 0, 0, 0), int(flags), words)
