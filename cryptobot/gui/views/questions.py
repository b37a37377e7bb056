"""The questions the window asks: a live order, and what becomes of the engine on closing."""

from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cryptobot.gui.theme import ui_font
from cryptobot.gui.views.choice_box import TickBox
from cryptobot.gui.views.words import label


class CloseAction(StrEnum):
    """What becomes of the engine when the window closes."""

    ASK = "ask"
    KEEP = "keep"
    STOP = "stop"
    CANCEL = "cancel"
    """Do not close after all: an answer, never a setting."""


class Question(QDialog):
    """A title, words, and buttons in a row; Escape is the last button.

    Args:
        title: The question in a few words.
        words: What each answer means.
        parent: The window.
    """

    def __init__(self, title: str, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title.rstrip("?"))
        self.setModal(True)
        self.setMinimumWidth(440)
        self.title = QLabel(title)
        self.title.setFont(ui_font(12.5, bold=True))
        self.title.setWordWrap(True)
        self.words = label(words, "muted")
        self.words.setWordWrap(True)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 22, 24, 18)
        self.column.setSpacing(10)
        self.column.addWidget(self.title)
        self.column.addWidget(self.words)
        self.column.addSpacing(8)
        self.row = QHBoxLayout()
        self.row.setSpacing(8)

    def add_buttons(self, *buttons: QPushButton) -> None:
        """Put ``buttons`` in the last row, to the right."""
        self.row.addStretch()
        for button in buttons:
            self.row.addWidget(button)
        self.column.addLayout(self.row)


class LiveOrderQuestion(Question):
    """Asks before an order moves real money."""

    def __init__(
        self, order: str, value: str, account: str, exchange: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(
            "Send this order with real money?",
            f"It goes to {exchange} on the account \N{LEFT DOUBLE QUOTATION MARK}{account}"
            "\N{RIGHT DOUBLE QUOTATION MARK} at once.",
            parent,
        )
        self.order = QLabel(order)
        self.order.setFont(ui_font(11, bold=True))
        self.order.setWordWrap(True)
        self.column.insertWidget(1, self.order)
        if value:
            self.column.insertWidget(2, label(f"Estimated value {value}"))
        self.send = QPushButton("&Send live order")
        self.send.setProperty("role", "danger")
        self.send.setAutoDefault(False)
        self.back = QPushButton("&Cancel")
        self.back.setDefault(True)
        self.send.clicked.connect(self.accept)
        self.back.clicked.connect(self.reject)
        self.add_buttons(self.send, self.back)
        self.back.setFocus(Qt.FocusReason.OtherFocusReason)


class CloseQuestion(Question):
    """Asks whether the engine stays when the window closes."""

    def __init__(self, mode: str, open_orders: int, parent: QWidget | None = None) -> None:
        noun = "order is" if open_orders == 1 else "orders are"
        orders = f" {open_orders:,} {noun} open." if open_orders else ""
        super().__init__(
            "Keep the engine running?",
            f"The engine trades on without the window (mode: {mode}).{orders} "
            "If you stop it, strategies stop; orders on the exchange stay there and are taken up "
            "again at the next start.",
            parent,
        )
        self.answer = CloseAction.CANCEL
        self.remember = TickBox("&Remember and do not ask again")
        self.column.addWidget(self.remember)
        self.column.addSpacing(6)
        self.keep = QPushButton("&Keep it running")
        self.stop = QPushButton("&Stop engine")
        self.back = QPushButton("&Cancel")
        self.keep.setDefault(True)
        self.keep.clicked.connect(lambda: self._done(CloseAction.KEEP))
        self.stop.clicked.connect(lambda: self._done(CloseAction.STOP))
        self.back.clicked.connect(self.reject)
        self.add_buttons(self.keep, self.stop, self.back)

    def _done(self, answer: CloseAction) -> None:
        self.answer = answer
        self.accept()
