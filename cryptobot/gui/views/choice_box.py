"""A combo box and a check box whose marks stay visible in both themes."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QCheckBox, QComboBox

from cryptobot.gui.theme import active, color

_BOX = 15


class ChoiceBox(QComboBox):
    """A combo box with a chevron: a style sheet's border takes Fusion's arrow away."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, then the chevron."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = active().muted if self.isEnabled() else active().faint
        painter.setPen(QPen(color(ink), 1.5))
        x, y = self.width() - 16.0, self.height() / 2
        painter.drawPolyline(
            QPolygonF([QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)])
        )
        painter.end()


class TickBox(QCheckBox):
    """A check box drawn in the theme's colours."""

    def sizeHint(self) -> QSize:
        """Return room for box and words."""
        words = self.fontMetrics().horizontalAdvance(self.text().replace("&", ""))
        return QSize(_BOX + 10 + words, max(_BOX, self.fontMetrics().height()) + 6)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw box, tick and words."""
        tokens = active()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(0.5, (self.height() - _BOX) / 2, _BOX - 1, _BOX - 1)
        marked = self.isChecked()
        painter.setPen(color(tokens.accent if marked or self.hasFocus() else tokens.faint))
        painter.setBrush(color(tokens.accent if marked else tokens.sunken))
        painter.drawRoundedRect(box, 3, 3)
        if marked:
            painter.setPen(QPen(color("#FFFFFF"), 1.8))
            top = box.top()
            painter.drawPolyline(
                QPolygonF([QPointF(3.5, top + 7.5), QPointF(6.2, top + 10), QPointF(11, top + 4.5)])
            )
        painter.setPen(color(tokens.text))
        words = self.rect().adjusted(_BOX + 8, 0, 0, 0)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic
        painter.drawText(words, int(flags), self.text())
        painter.end()
