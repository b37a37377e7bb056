"""Beside the menus: which faults are on, and the way to end them. Its coming moves nothing."""

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from cryptobot.gui import figures
from cryptobot.gui.simulator.faults import FaultOn, told
from cryptobot.gui.simulator.link import SimulatorLink
from cryptobot.gui.theme import active, ui_font
from cryptobot.gui.tokens import FACE_FILL
from cryptobot.gui.views.words import ElidedLabel, label, set_role

_BAR: Final = 4


class SimulatorStrip(QWidget):
    """Hidden while nothing is on and nothing is wrong.

    Args:
        link: The simulator.
    """

    def __init__(self, link: SimulatorLink) -> None:
        super().__init__()
        self._link = link
        self.title = label()
        self.title.setFont(ui_font(9.5, bold=True))
        self.words = ElidedLabel()
        self.clear_button = QPushButton("Clear all faults")
        self.clear_button.setProperty("role", "link")
        self.clear_button.clicked.connect(link.clear)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(12)
        row.addWidget(self.title)
        row.addWidget(self.words, 1)
        row.addWidget(self.clear_button, 0, Qt.AlignmentFlag.AlignVCenter)
        link.changed.connect(self._show)
        self._show()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ground with a bar in the colour of the simulation."""
        tokens = active()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.panel))
        painter.fillRect(0, 0, _BAR, self.height(), QColor(FACE_FILL["SIMULATED"]))
        painter.end()

    def _show(self) -> None:
        link = self._link
        number = len({fault.name for fault in link.faults})
        title = f"{number} fault{'s'[: number != 1]} on" if number else "Fault done"
        self.title.setText("" if link.trouble else title)
        self.title.setVisible(not link.trouble)
        set_role(self.title, "warn")
        set_role(self.words, "problem" if link.trouble else "")
        words = told(link.faults, link.presets)
        if link.done:
            done = told([FaultOn("", link.done, 0, None)], link.presets)
            words = f"done: {done}   {figures.DOT}   {words}" if words else done
        self.words.setText(link.trouble or words)
        self.setAccessibleName(f"{self.title.text()} {self.words.text()}".strip())
        self.clear_button.setVisible(bool(link.faults))
        self.setVisible(bool(link.trouble or link.faults or link.done))
