"""Dockable panels with a quiet title; in a group of tabs the tab is the title."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cryptobot.gui.theme import ui_font
from cryptobot.gui.views.words import label

_SQUEEZED = 230
_FOOT_LINES = 5


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


class ScrollPanel(QWidget):
    """A panel that scrolls when it is squeezed, so that nothing of it is ever cut off.

    Args:
        content: What scrolls.
        foot: Stands under it, whole, and does not scroll. There is room for ``_FOOT_LINES`` of it
            that the content does not lose when it is shown.
    """

    def __init__(self, content: QWidget, foot: QWidget) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._content = content
        self._foot = foot
        self.area = QScrollArea()
        self.area.setWidget(content)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.area, 1)
        column.addWidget(foot)

    def sizeHint(self) -> QSize:
        """Return the content's size and room for the foot."""
        hint = self._content.sizeHint()
        return QSize(hint.width(), hint.height() + self._room)

    def minimumSizeHint(self) -> QSize:
        """Return the content's width, and most of its height."""
        least = self._content.minimumSizeHint()
        return QSize(least.width(), min(least.height(), _SQUEEZED))

    @property
    def _room(self) -> int:
        return _FOOT_LINES * self._foot.fontMetrics().lineSpacing()


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
