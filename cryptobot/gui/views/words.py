"""Words that never widen what they stand in: elided or broken; a label for the style sheet."""

import re
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

_BUTTON_MARGIN: Final = 16
_UNBROKEN: Final = re.compile(r"(\S{24})(?=\S)")
_MAY_BREAK: Final = "\N{ZERO WIDTH SPACE}"


class ElidedLabel(QLabel):
    """A line of text that ends in an ellipsis when there is no room; the tooltip has it whole."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """Return a size that lets a layout squeeze it."""
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        metrics = self.fontMetrics()
        area = self.contentsRect()
        shown = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        self.setToolTip(self.text() if shown != self.text() else "")
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(area, int(self.alignment().value), shown)
        painter.end()


class ElidedButton(QPushButton):
    """A button whose words end in an ellipsis when there is no room; the tooltip has them whole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Return a size that lets a layout squeeze it."""
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what fits."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.width() - _BUTTON_MARGIN
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        self.setToolTip(self.text() if shown != self.text() else "")
        option.text = shown
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()


class BrokenLabel(QLabel):
    """Words over as many lines as they need at any width, however long a word is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def setText(self, words: str) -> None:
        """Show ``words``, which may be broken within a long word."""
        super().setText(_UNBROKEN.sub(rf"\1{_MAY_BREAK}", words))

    def minimumSizeHint(self) -> QSize:
        """Return a width that lets a layout squeeze it; the height follows from the width."""
        return QSize(24, self.fontMetrics().height())


def label(text: str = "", role: str = "", parent: QWidget | None = None) -> QLabel:
    """Return a label; ``role`` (muted, faint, problem, good, warn) picks its colour."""
    made = QLabel(text, parent)
    if role:
        made.setProperty("role", role)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Change what the style sheet takes ``widget`` for."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
