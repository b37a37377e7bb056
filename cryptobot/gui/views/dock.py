"""Dockable panels with a quiet title; in a group of tabs the tab is the title."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QMainWindow, QScrollArea, QWidget

from cryptobot.gui.theme import ui_font
from cryptobot.gui.views.words import label

_SQUEEZED = 345


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


class ScrollPanel(QScrollArea):
    """A panel that scrolls when it is squeezed, so that nothing of it is ever cut off."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        """Return the content's size."""
        return self._content.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Return the content's width, and most of its height."""
        least = self._content.minimumSizeHint()
        return QSize(least.width(), min(least.height(), _SQUEEZED))


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
