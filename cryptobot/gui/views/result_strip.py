"""What came of a mode change, under the banner until dismissed."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from cryptobot.gui.mode_outcome import Outcome, Tone
from cryptobot.gui.theme import active, ui_font
from cryptobot.gui.tokens import Tokens
from cryptobot.gui.views.words import label, set_role

_SIGN = {Tone.BUSY: "\N{HORIZONTAL ELLIPSIS}", Tone.GOOD: "\N{CHECK MARK}", Tone.BAD: "!"}
_ROLE = {Tone.BUSY: "muted", Tone.GOOD: "good", Tone.BAD: "problem"}


_LEFT, _RIGHT, _GAP, _LOWEST = 18, 16, 12, 48


class ResultStrip(QWidget):
    """A strip with a title, a detail and what can be done next.

    Signals:
        cancel_open: The trader wants the open live orders cancelled.
    """

    cancel_open = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone = Tone.BUSY
        self.sign = label()
        self.sign.setFont(ui_font(13, bold=True))
        self.sign.setFixedWidth(22)
        self.sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title = label()
        self.title.setFont(ui_font(9.5, bold=True))
        self.detail = label(role="muted")
        self.detail.setWordWrap(True)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.cancel_button = QPushButton()
        self.cancel_button.clicked.connect(self.cancel_open)
        self.dismiss_button = QPushButton("&Dismiss")
        self.dismiss_button.clicked.connect(self.hide)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.title)
        words.addWidget(self.detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(_LEFT, 8, _RIGHT, 8)
        row.setSpacing(_GAP)
        row.addWidget(self.sign)
        row.addLayout(words, 1)
        row.addWidget(self.cancel_button)
        row.addWidget(self.dismiss_button)
        self.hide()

    def show_outcome(self, outcome: Outcome) -> None:
        """Show ``outcome`` in place of what was shown."""
        self._tone = outcome.tone
        self.sign.setText(_SIGN[outcome.tone])
        set_role(self.sign, _ROLE[outcome.tone])
        self.title.setText(outcome.title)
        self.detail.setText(outcome.detail)
        self.detail.setVisible(bool(outcome.detail))
        self.cancel_button.setVisible(bool(outcome.open_live))
        noun = "order" if outcome.open_live == 1 else "orders"
        self.cancel_button.setText(f"&Cancel {outcome.open_live} open live {noun}")
        self.dismiss_button.setVisible(outcome.tone is not Tone.BUSY)
        self.setAccessibleName(f"{outcome.title} {outcome.detail}")
        self.show()
        self._fit_height()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the words the lines they need at this width, and no more."""
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        buttons = sum(
            button.sizeHint().width() + _GAP
            for button in (self.cancel_button, self.dismiss_button)
            if not button.isHidden()
        )
        width = max(100, self.width() - _LEFT - _RIGHT - self.sign.width() - _GAP - buttons)
        lines = 0 if self.detail.isHidden() else self.detail.heightForWidth(width)
        self.setFixedHeight(max(_LOWEST, self.title.sizeHint().height() + lines + 18))
        layout = self.layout()
        if layout is not None:  # else the words stay where the height before had put them
            layout.invalidate()
            layout.activate()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ground with a bar in the tone's colour."""
        tokens = active()
        bar = _bar(self._tone, tokens)
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.panel))
        painter.fillRect(0, 0, 4, self.height(), QColor(bar))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(tokens.line))
        painter.end()


def _bar(tone: Tone, tokens: Tokens) -> str:
    return {Tone.BUSY: tokens.accent, Tone.GOOD: tokens.good, Tone.BAD: tokens.bad}[tone]
