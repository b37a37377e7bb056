"""The pieces the order ticket is made of."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QPushButton, QWidget

from cryptobot.gui.theme import figure_font, ui_font
from cryptobot.gui.views.words import ElidedLabel


def choice_widget(words: str, role: str) -> QPushButton:
    """Return a button that stays down; ``role`` is for the style sheet."""
    button = QPushButton(words)
    button.setCheckable(True)
    button.setProperty("role", role)
    return button


def exclusive(parent: QWidget, *buttons: QPushButton) -> QButtonGroup:
    """Let only one of ``buttons`` be down; the group must be kept."""
    group = QButtonGroup(parent)
    for button in buttons:
        group.addButton(button)
    return group


def field_widget(name: str) -> QLineEdit:
    """Return an entry for a number."""
    entry = QLineEdit()
    entry.setFont(figure_font(9.5))
    entry.setAlignment(Qt.AlignmentFlag.AlignRight)
    entry.setAccessibleName(name)
    entry.setMaxLength(40)
    return entry


def problem_widget() -> ElidedLabel:
    """Return the line under an entry that says what is wrong."""
    words = ElidedLabel()
    words.setProperty("role", "problem")
    words.setFont(ui_font(8))
    words.setAlignment(Qt.AlignmentFlag.AlignRight)
    return words
