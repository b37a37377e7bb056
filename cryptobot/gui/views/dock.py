"""Dockable panels with a quiet title; in a group of tabs the tab is the title."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QMainWindow, QWidget

from cryptobot.gui.theme import ui_font
from cryptobot.gui.views.words import label


class PanelDock(QDockWidget):
    """A panel that can be moved, floated, put among tabs, and hidden from the View menu.

    Args:
        title: Its name.
        content: The panel.
        window: Where it docks.
    """

    def __init__(self, title: str, content: QWidget, window: QMainWindow) -> None:
        super().__init__(title, window)
        self.setObjectName(f"dock-{title.lower().replace(' ', '-')}")
        self.setWidget(content)
        self._title = _title(title)
        self._none = QWidget()
        self.setTitleBarWidget(self._title)
        self._window = window
        for changed in (self.topLevelChanged, self.dockLocationChanged, self.visibilityChanged):
            changed.connect(self._retitle)

    def _retitle(self) -> None:
        tabbed = not self.isFloating() and bool(self._window.tabifiedDockWidgets(self))
        wanted = self._none if tabbed else self._title
        if self.titleBarWidget() is not wanted:
            self.setTitleBarWidget(wanted)


def _title(words: str) -> QWidget:
    bar = QWidget()
    bar.setObjectName("dockTitle")
    bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    row = QHBoxLayout(bar)
    row.setContentsMargins(12, 5, 12, 5)
    name = label(words)
    name.setObjectName("panelTitle")
    name.setFont(ui_font(8.5, bold=True))
    row.addWidget(name)
    return bar
