"""The strip at the foot: the engine's vital signs. What does not fit is left out, never clipped."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from cryptobot.gui.health_checks import Subject
from cryptobot.gui.theme import figure_font, ui_font
from cryptobot.gui.views.words import label, set_role
from cryptobot.gui.vital_signs import VitalSign

_HEIGHT = 28
_GAP = 12
_MARGIN = 10


_KEYS = {Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter}


class SignCell(QWidget):
    """A small title and a value; a button where the sign opens something.

    Signals:
        opened: What it opens.
    """

    opened = Signal(Subject)

    def __init__(self, sign: VitalSign) -> None:
        super().__init__()
        self.setObjectName("sign")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.rank = sign.rank
        self._opens = sign.opens
        if sign.opens is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.setProperty("role", "opens")
        title = label(sign.name, "faint")
        title.setFont(ui_font(8))
        self.value = label()
        self.value.setFont(figure_font(8.5))
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(6)
        row.addWidget(title)
        row.addWidget(self.value)
        self.show_sign(sign)

    def show_sign(self, sign: VitalSign) -> None:
        """Show ``sign``."""
        self.rank = sign.rank
        self.value.setText(sign.text)
        tooltip = sign.tooltip
        if sign.opens is not None:
            tooltip = f"{tooltip}\nClick for details".strip()
        self.setToolTip(tooltip)
        self.setAccessibleName(f"{sign.name} {sign.text}")
        set_role(self.value, sign.role)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open on a click."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self._open()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open on Space and Enter."""
        if event.key() in _KEYS:
            self._open()
        else:
            super().keyPressEvent(event)

    def _open(self) -> None:
        if self._opens is not None:
            self.opened.emit(self._opens)


class StatusStrip(QWidget):
    """One cell for each vital sign; the least important hide when it is narrow.

    Signals:
        opened: What of the health panel is wanted.
    """

    opened = Signal(Subject)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.cells: dict[str, SignCell] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        self._row.setSpacing(_GAP)
        self._row.addStretch()

    def minimumSizeHint(self) -> QSize:
        """Return a size that never keeps the window from shrinking."""
        return QSize(200, _HEIGHT)

    def show_signs(self, signs: tuple[VitalSign, ...]) -> None:
        """Show ``signs`` in their order."""
        for sign in signs:
            cell = self.cells.get(sign.name)
            if cell is None:
                self._add(sign)
            else:
                cell.show_sign(sign)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show what fits."""
        super().resizeEvent(event)
        self._fit()

    def _add(self, sign: VitalSign) -> None:
        cell = SignCell(sign)
        cell.opened.connect(self.opened)
        self._row.insertWidget(len(self.cells), cell)
        self.cells[sign.name] = cell

    def _fit(self) -> None:
        room = self.width() - 2 * _MARGIN
        for cell in sorted(self.cells.values(), key=lambda each: each.rank):
            room -= cell.sizeHint().width() + _GAP
            cell.setVisible(room > -_GAP)
