"""The sign of each face, drawn by code: banner, tray and window icon. Shape tells, not colour."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from cryptobot.gui.banner_state import Face
from cryptobot.gui.tokens import FACE_FILL, HAZARD

_ICON_SIZES: Final = (16, 22, 24, 32, 48, 64, 128, 256)
_UNIT: Final = 24.0
"""Shapes are drawn on a square of this many units."""


def draw_face(painter: QPainter, rect: QRectF, face: Face, ink: QColor) -> None:
    """Draw the sign of ``face`` into ``rect`` with ``ink``."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(rect.topLeft())
    painter.scale(rect.width() / _UNIT, rect.height() / _UNIT)
    pen = QPen(ink, 2.0)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    _SIGNS[face](painter, ink)
    painter.restore()


def _bolt(painter: QPainter, ink: QColor) -> None:
    painter.setBrush(ink)
    points = [(13.5, 1.5), (4.5, 13.5), (11, 13.5), (9.5, 22.5), (19.5, 9.5), (12.8, 9.5)]
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in points]))


def _sheet(painter: QPainter, _ink: QColor) -> None:
    outline = [(5, 2), (14, 2), (19.5, 7.5), (19.5, 22), (5, 22)]
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in outline]))
    painter.drawPolyline(QPolygonF([QPointF(14, 2), QPointF(14, 7.5), QPointF(19.5, 7.5)]))
    for y in (12.5, 17):
        painter.drawLine(QPointF(8.5, y), QPointF(16, y))


def _flask(painter: QPainter, ink: QColor) -> None:
    path = QPainterPath(QPointF(9, 2.5))
    path.lineTo(9, 9)
    path.lineTo(3.5, 19)
    path.quadTo(2.5, 21.8, 5.5, 22)
    path.lineTo(18.5, 22)
    path.quadTo(21.5, 21.8, 20.5, 19)
    path.lineTo(15, 9)
    path.lineTo(15, 2.5)
    painter.drawPath(path)
    painter.drawLine(QPointF(7, 2.5), QPointF(17, 2.5))
    painter.setBrush(ink)
    liquid = [(6.6, 15.5), (17.4, 15.5), (19, 19.5), (18, 20.4), (6, 20.4), (5, 19.5)]
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in liquid]))


def _hazard(painter: QPainter, ink: QColor) -> None:
    triangle = [(12, 2.5), (22.5, 21), (1.5, 21)]
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in triangle]))
    painter.drawLine(QPointF(12, 9), QPointF(12, 14.5))
    painter.setBrush(ink)
    painter.drawEllipse(QPointF(12, 17.8), 0.5, 0.5)


def _dots(painter: QPainter, ink: QColor) -> None:
    painter.setBrush(ink)
    for x in (5.0, 12.0, 19.0):
        painter.drawEllipse(QPointF(x, 12), 1.4, 1.4)


_SIGNS = {
    Face.LIVE: _bolt,
    Face.PAPER: _sheet,
    Face.SIMULATED: _flask,
    Face.LOST: _hazard,
    Face.CONNECTING: _dots,
    Face.ABSENT: _hazard,
}


def face_icon(face: Face) -> QIcon:
    """Return the tray icon of ``face``: its sign on its colour."""
    icon = QIcon()
    for size in _ICON_SIZES:
        icon.addPixmap(_tile(size, QColor(FACE_FILL[face]), face))
    return icon


def _tile(size: int, fill: QColor, face: Face) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(QRectF(0, 0, size, size), size * 0.2, size * 0.2)
    ink = QColor(HAZARD) if face is Face.LOST else QColor("#FFFFFF")
    inset = size * 0.19
    draw_face(painter, QRectF(inset, inset, size - 2 * inset, size - 2 * inset), face, ink)
    painter.end()
    return pixmap


def app_icon() -> QIcon:
    """Return the program's icon: three candles, hollow for up and filled for down."""
    icon = QIcon()
    for size in _ICON_SIZES:
        icon.addPixmap(_candles(size))
    return icon


def _candles(size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / _UNIT, size / _UNIT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#161A21"))
    painter.drawRoundedRect(QRectF(0, 0, _UNIT, _UNIT), 5, 5)
    up, down = QColor("#56B4E9"), QColor("#E69F00")
    for x, low, high, top, bottom, ink, hollow in (
        (4.0, 19.5, 9.0, 11.5, 17.5, down, False),
        (10.0, 17.0, 5.5, 8.0, 14.5, up, True),
        (16.0, 13.0, 3.0, 4.8, 10.5, up, True),
    ):
        painter.setPen(QPen(ink, 1.6))
        painter.drawLine(QPointF(x + 2, low), QPointF(x + 2, high))
        painter.setBrush(QColor("#161A21") if hollow else ink)
        painter.drawRect(QRectF(x, top, 4, bottom - top))
    painter.end()
    return pixmap
