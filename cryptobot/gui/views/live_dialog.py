"""Going live: what stands in the way, whose account, why."""

from collections.abc import Callable

from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.mode_outcome import Outcome
from cryptobot.gui.views.questions import Question
from cryptobot.gui.views.words import label, set_role

GoLive = Callable[[str, str, Callable[[Outcome | None], None]], None]
"""Account, reason, and what takes the answer: ``None`` for granted."""

_CROSS = "\N{MULTIPLICATION SIGN}"


class LiveDialog(Question):
    """Asks for the account's name and the reason, and shows what was refused.

    Args:
        status: The engine's status when it was opened.
        go_live: Asks the engine.
        parent: The window.
    """

    def __init__(
        self, status: EngineStatus, go_live: GoLive, parent: QWidget | None = None
    ) -> None:
        money = (
            "The exchange is simulated: no real money moves."
            if status.simulated
            else f"Orders go to {status.exchange} with real money, at once."
        )
        super().__init__("Go live?", money, parent)
        self._account = status.account
        self._go_live = go_live
        self.setMinimumWidth(480)
        self.obstacles = label()
        self.obstacles.setWordWrap(True)
        self.account = QLineEdit(placeholderText=status.account)
        self.reason = QLineEdit(placeholderText="for the record, such as: morning checks done")
        self.account.setAccessibleName("Account name")
        self.reason.setAccessibleName("Reason")
        self.column.addWidget(self.obstacles)
        for words, entry in (
            (f"Type the &account's name to confirm: {status.account}", self.account),
            ("&Reason", self.reason),
        ):
            title = QLabel(words)
            title.setBuddy(entry)
            pair = QVBoxLayout()
            pair.setSpacing(4)
            pair.addWidget(title)
            pair.addWidget(entry)
            self.column.addLayout(pair)
        self.column.addSpacing(8)
        self.go = QPushButton("Go &live")
        self.go.setProperty("role", "danger")
        self.go.setAutoDefault(False)
        self.back = QPushButton("&Stay on paper")
        self.back.setAutoDefault(False)
        self.go.clicked.connect(self._ask)
        self.back.clicked.connect(self.reject)
        self.account.textChanged.connect(self._check)
        self.reason.textChanged.connect(self._check)
        self.add_buttons(self.go, self.back)
        self._show_obstacles("In the way now", [(each, "") for each in status.live_blockers])
        self._check()
        self.account.setFocus()

    def _check(self) -> None:
        named = self.account.text().strip() == self._account
        self.go.setEnabled(named)

    def _ask(self) -> None:
        self.go.setEnabled(False)
        self.go.setText("Checking...")
        reason = self.reason.text().strip() or "switched to live in the window"
        self._go_live(self.account.text().strip(), reason, self._answered)

    def _answered(self, refused: Outcome | None) -> None:
        if refused is None:
            self.accept()
            return
        self.go.setText("Go &live")
        self._show_obstacles(refused.title, list(refused.failed))
        self._check()

    def _show_obstacles(self, title: str, failed: list[tuple[str, str]]) -> None:
        if not failed and title == "In the way now":
            set_role(self.obstacles, "good")
            self.obstacles.setText("\N{CHECK MARK} Nothing stands in the way.")
            return
        set_role(self.obstacles, "problem")
        failed = [(name.replace("_", " ").capitalize(), detail) for name, detail in failed]
        lines = [
            f"{_CROSS} {name}: {detail}" if detail else f"{_CROSS} {name}"
            for name, detail in failed
        ]
        self.obstacles.setText("\n".join([title, *lines]))
        self.adjustSize()
