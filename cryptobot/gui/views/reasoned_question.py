"""Asks before something is done that a person answers for, with a reason, and shows a refusal."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cryptobot.gui.connection import Done
from cryptobot.gui.views.questions import Question
from cryptobot.gui.views.words import label, set_role

_EFFECT_LINES: Final = 3

Send = Callable[[str, Done], None]
"""Asks the engine, with the reason; the answer goes to the second."""


class ReasonedQuestion(Question):
    """Says what will happen, asks the engine, and stays open with its reason when it refuses.

    Args:
        title: The question.
        words: What will happen.
        verb: What the button says.
        send: Asks the engine.
        parent: The window.
        facts: What it is about, shown above the reason.
        choice: What else must be chosen.
        needs_reason: Whether a reason is asked for.
        danger: Whether real money may move.
    """

    def __init__(
        self,
        title: str,
        words: str,
        verb: str,
        send: Send,
        parent: QWidget | None = None,
        *,
        facts: str = "",
        choice: "SettleChoice | None" = None,
        needs_reason: bool = True,
        danger: bool = False,
    ) -> None:
        super().__init__(title, words, parent)
        self.setMinimumWidth(520)
        self._send = send
        self._verb = verb
        self.choice = choice
        self._needs_reason = needs_reason
        self.facts = label(facts)
        self.facts.setWordWrap(True)
        self.facts.setVisible(bool(facts))
        self.column.insertWidget(1, self.facts)
        if choice is not None:
            self.column.addWidget(choice)
            choice.changed.connect(self._check)
        self.reason = QLineEdit(placeholderText="for the record: how you know")
        self.reason.setAccessibleName("Reason")
        self.reason.textChanged.connect(self._check)
        if needs_reason:
            named = QLabel("&Reason")
            named.setBuddy(self.reason)
            pair = QVBoxLayout()
            pair.setSpacing(4)
            pair.addWidget(named)
            pair.addWidget(self.reason)
            self.column.addLayout(pair)
        self.problem = label("", "problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.column.addWidget(self.problem)
        self.column.addSpacing(8)
        self.go = QPushButton(verb)
        self.go.setAutoDefault(False)
        if danger:
            self.go.setProperty("role", "danger")
        self.back = QPushButton("&Cancel")
        self.back.setAutoDefault(False)
        self.go.clicked.connect(self._ask)
        self.back.clicked.connect(self.reject)
        self.add_buttons(self.go, self.back)
        self._check()
        if needs_reason and choice is None:
            self.reason.setFocus()
        else:
            self.back.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Take no more room than is needed."""
        super().showEvent(event)
        self._fit()

    def _check(self) -> None:
        reasoned = bool(self.reason.text().strip()) or not self._needs_reason
        chosen = self.choice is None or bool(self.choice.outcome)
        self.go.setEnabled(reasoned and chosen)

    def _fit(self) -> None:
        """Be as high as what is shown now needs."""
        self.column.activate()
        self.setFixedHeight(self.column.heightForWidth(self.width()))

    def _ask(self) -> None:
        self.go.setEnabled(False)
        self.go.setText("Asking...")
        self.problem.hide()
        self._send(self.reason.text().strip(), self._answered)

    def _answered(self, _result: object, error: Exception | None) -> None:
        if error is None:
            self.accept()
            return
        self.go.setText(self._verb)
        self.problem.setText(f"{error}")
        self.problem.show()
        self._check()
        self._fit()


class SettleChoice(QWidget):
    """How a person settles an unknown outcome, and what that does.

    Signals:
        changed: Something was chosen.
    """

    changed = Signal()
    ADOPT = "adopt"
    NOT_PLACED = "not_placed"

    def __init__(self) -> None:
        super().__init__()
        self.adopt = _segment("The exchange &has it")
        self.not_placed = _segment("It was &never placed")
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self.adopt, self.not_placed):
            group.addButton(button)
            row.addWidget(button, 1)
        self.effect = label("Choose what you know.", "muted")
        self.effect.setWordWrap(True)
        self.effect.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.effect.setMinimumHeight(_EFFECT_LINES * self.effect.fontMetrics().lineSpacing())
        self.exchange_id = QLineEdit(placeholderText="exchange's order id; empty: found by our id")
        self.exchange_id.setAccessibleName("Exchange's order id")
        kept = self.exchange_id.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # so that nothing jumps under the pointer
        self.exchange_id.setSizePolicy(kept)
        self.exchange_id.setVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 6)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.effect)
        column.addWidget(self.exchange_id)
        group.buttonClicked.connect(self._show)

    @property
    def outcome(self) -> str:
        """What was chosen, by the protocol's word; empty before."""
        if self.adopt.isChecked():
            return self.ADOPT
        return self.NOT_PLACED if self.not_placed.isChecked() else ""

    def _show(self) -> None:
        self.exchange_id.setVisible(self.outcome == self.ADOPT)
        set_role(self.effect, "warn" if self.outcome == self.NOT_PLACED else "")
        self.effect.setText(
            "Its order is looked up there now and taken over as this one, with its state and "
            "fills. Refused if there is none, or if side or amount differ."
            if self.outcome == self.ADOPT
            else "The exchange is asked once more, and the order is taken over if it is there. "
            "Else it becomes rejected, and nobody looks for it any more: if you are wrong, it "
            "may trade unseen."
        )
        self.changed.emit()


def _segment(words: str) -> QPushButton:
    button = QPushButton(words)
    button.setCheckable(True)
    button.setAutoDefault(False)
    button.setProperty("role", "segment")
    return button
