"""The strip at the foot: the engine's vital signs. What does not fit is left out, never clipped."""

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from cryptobot.gui.theme import figure_font, ui_font
from cryptobot.gui.views.words import label, set_role
from cryptobot.gui.vital_signs import VitalSign

_HEIGHT = 28
_GAP = 20


@dataclass(slots=True)
class _Cell:
    box: QWidget
    title: QLabel
    value: QLabel
    rank: int


class StatusStrip(QWidget):
    """One small title and value for each vital sign; the least important hide when it is narrow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._cells: dict[str, _Cell] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(14, 0, 14, 0)
        self._row.setSpacing(_GAP)
        self._row.addStretch()

    def minimumSizeHint(self) -> QSize:
        """Return a size that never keeps the window from shrinking."""
        return QSize(200, _HEIGHT)

    def show_signs(self, signs: tuple[VitalSign, ...]) -> None:
        """Show ``signs`` in their order."""
        for sign in signs:
            cell = self._cells.get(sign.name) or self._add(sign)
            if cell.value.text() != sign.text:
                cell.value.setText(sign.text)
            cell.box.setToolTip(sign.tooltip)
            cell.box.setAccessibleName(f"{sign.name} {sign.text}")
            set_role(cell.value, sign.role)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show what fits."""
        super().resizeEvent(event)
        self._fit()

    def _add(self, sign: VitalSign) -> _Cell:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        title = label(sign.name, "faint")
        title.setFont(ui_font(8))
        value = label()
        value.setFont(figure_font(8.5))
        row.addWidget(title)
        row.addWidget(value)
        cell = _Cell(box, title, value, sign.rank)
        self._row.insertWidget(len(self._cells), box)
        self._cells[sign.name] = cell
        return cell

    def _fit(self) -> None:
        room = self.width() - 28
        for cell in sorted(self._cells.values(), key=lambda each: each.rank):
            room -= cell.box.sizeHint().width() + _GAP
            cell.box.setVisible(room > -_GAP)
