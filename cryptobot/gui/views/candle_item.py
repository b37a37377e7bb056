"""Candles and volume bars drawn in batches: a handful of paint calls, whatever their number.

Up is hollow, down is filled: told by shape before colour. Pens are cosmetic and one pixel wide;
wider ones cost Qt thirty times as much.
"""

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

Table = npt.NDArray[np.float64]
"""Rows of opening time (seconds), open, high, low, close, volume."""

BODY = 0.7
"""Width of a body as a share of the time frame."""


class CandleItem(pg.GraphicsObject):  # type: ignore[misc]
    """Candles, or with ``volume`` their volumes as bars from zero.

    Args:
        volume: Draw volumes.
    """

    def __init__(self, *, volume: bool = False) -> None:
        super().__init__()
        self._volume = volume
        self._wicks = {up: PrimitiveArray(QLineF, 4) for up in (True, False)}
        self._bodies = {up: PrimitiveArray(QRectF, 4) for up in (True, False)}
        self._bounds = QRectF()
        self._pens = {True: QPen(), False: QPen()}
        self._fills = {True: QColor(), False: QColor()}

    def restyle(self, up: QColor, down: QColor, ground: QColor) -> None:
        """Take the colours of a theme; ``ground`` shows through hollow bodies."""
        for rising, ink in ((True, up), (False, down)):
            pen = QPen(ink, 1.0)
            pen.setCosmetic(True)
            self._pens[rising] = pen
        self._fills = {True: ground, False: down}
        self.update()

    def show_candles(self, table: Table, span_s: float) -> None:
        """Draw ``table``; ``span_s`` is the time frame in seconds."""
        self.prepareGeometryChange()
        self._bounds = QRectF()
        rising = table[:, 4] >= table[:, 1]
        for up in (True, False):
            part = table[rising if up else ~rising]
            bodies, wicks = self._bodies[up], self._wicks[up]
            bodies.resize(len(part))
            wicks.resize(0 if self._volume else len(part))
            boxes = bodies.ndarray()
            boxes[:, 0] = part[:, 0] + span_s * (1 - BODY) / 2
            boxes[:, 2] = span_s * BODY
            if self._volume:
                boxes[:, 1], boxes[:, 3] = 0, part[:, 5]
            else:
                boxes[:, 1] = np.minimum(part[:, 1], part[:, 4])
                boxes[:, 3] = np.abs(part[:, 4] - part[:, 1])
                lines = wicks.ndarray()
                lines[:, 0] = lines[:, 2] = part[:, 0] + span_s / 2
                lines[:, 1], lines[:, 3] = part[:, 3], part[:, 2]
        if len(table):
            low = 0.0 if self._volume else float(table[:, 3].min())
            high = float(table[:, 5 if self._volume else 2].max())
            start = float(table[0, 0])
            self._bounds = QRectF(start, low, float(table[-1, 0]) + span_s - start, high - low)
        self.update()

    def boundingRect(self) -> QRectF:
        """Return what is covered, in data coordinates."""
        return self._bounds

    def paint(
        self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None
    ) -> None:
        """Draw wicks, then bodies over them."""
        for up in (True, False):
            painter.setPen(self._pens[up])
            painter.setBrush(self._fills[up])
            if len(self._wicks[up]):
                painter.drawLines(*self._wicks[up].drawargs())
            if len(self._bodies[up]):
                painter.drawRects(*self._bodies[up].drawargs())
