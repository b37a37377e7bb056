"""Where the panels stand: the default for wide and narrow windows, saved and restored."""

from itertools import pairwise
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMainWindow, QMenu, QStatusBar, QTabWidget, QWidget

from cryptobot.gui.layout_store import LayoutStore
from cryptobot.gui.panels import Panels
from cryptobot.gui.views.dock import PanelDock, ScrollPanel

WIDE: Final = 1_400
"""From this width the portfolio and strategies stand at the left; below they are tabs."""

_DEFAULT_SIZE: Final = (1_440, 900)
_FRAME: Final = (16, 48)
"""More than the frame and title that a desktop puts around; not known before it is shown."""
_LEFT_WIDTH: Final = 372
_RIGHT_WIDTH: Final = 300
_BOTTOM_SHARE: Final = 0.34
_AROUND: Final = 150
"""About as high as what stands above and below the docks."""
_TICKET_SHARE: Final = 0.66
_Area = Qt.DockWidgetArea


class Docking:
    """Owns the docks.

    Args:
        window: The main window.
        panels: What they hold.
        store: Where the layout is remembered.
    """

    def __init__(self, window: QMainWindow, panels: Panels, store: LayoutStore) -> None:
        self._window = window
        self._store = store
        contents: dict[str, QWidget] = {
            "Order ticket": ScrollPanel(panels.ticket, panels.ticket.result),
            "Order book": panels.ladder,
            "Portfolio": panels.portfolio,
            "Strategies": panels.strategies,
            "Orders": panels.blotter,
            "Health": panels.health,
            "Fills": panels.fills,
            "Log": panels.log,
        }
        self.docks = {name: PanelDock(name, each, window) for name, each in contents.items()}
        window.setDockNestingEnabled(True)
        window.setTabPosition(_Area.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setCorner(Qt.Corner.BottomRightCorner, _Area.RightDockWidgetArea)
        window.setCorner(Qt.Corner.BottomLeftCorner, _Area.BottomDockWidgetArea)
        window.setCentralWidget(panels.chart)
        bar = QStatusBar()
        bar.setSizeGripEnabled(False)
        bar.addPermanentWidget(panels.status, 1)
        bar.setContentsMargins(0, 0, 0, 0)
        window.setStatusBar(bar)

    def restore(self) -> None:
        """Take the remembered layout, or the default for the window's width."""
        geometry, state = self._store.bytes("geometry"), self._store.bytes("docks")
        if geometry is None or not self._window.restoreGeometry(geometry):
            self._fit_screen()
        if state is None or not self._window.restoreState(state):
            self.arrange()

    def save(self) -> None:
        """Remember the layout."""
        self._store.put_bytes("geometry", self._window.saveGeometry())
        self._store.put_bytes("docks", self._window.saveState())

    def arrange(self) -> None:
        """Put every panel where it stands by default at the window's present width."""
        window, docks = self._window, self.docks
        wide = window.width() >= WIDE
        for dock in docks.values():
            window.removeDockWidget(dock)
            dock.setFloating(False)
        window.addDockWidget(_Area.RightDockWidgetArea, docks["Order ticket"])
        window.addDockWidget(_Area.RightDockWidgetArea, docks["Order book"])
        tabs = ["Orders", "Health", "Fills", "Log"]
        if wide:
            window.addDockWidget(_Area.LeftDockWidgetArea, docks["Portfolio"])
            window.addDockWidget(_Area.LeftDockWidgetArea, docks["Strategies"])
        else:
            tabs[2:2] = ["Portfolio", "Strategies"]
        window.addDockWidget(_Area.BottomDockWidgetArea, docks["Orders"])
        for before, after in pairwise(tabs):
            window.tabifyDockWidget(docks[before], docks[after])
        for dock in docks.values():
            dock.show()
        docks["Orders"].raise_()
        self._size(wide=wide)

    def bring(self, name: str) -> None:
        """Show the panel ``name`` in front, whatever hid it."""
        self.docks[name].show()
        self.docks[name].raise_()

    def fill_menu(self, menu: QMenu) -> None:
        """Offer each panel to be shown or hidden, and the default layout."""
        for dock in self.docks.values():
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        menu.addAction("&Reset layout", self.arrange)

    def _size(self, *, wide: bool) -> None:
        window, docks = self._window, self.docks
        flat, upright = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        window.resizeDocks([docks["Order ticket"]], [_RIGHT_WIDTH], flat)
        window.resizeDocks([docks["Orders"]], [int(window.height() * _BOTTOM_SHARE)], upright)
        room = window.height() - _AROUND
        ticket = min(docks["Order ticket"].sizeHint().height(), int(room * _TICKET_SHARE))
        window.resizeDocks(
            [docks["Order ticket"], docks["Order book"]], [ticket, room - ticket], upright
        )
        if wide:
            window.resizeDocks([docks["Portfolio"]], [_LEFT_WIDTH], flat)
            window.resizeDocks([docks["Portfolio"], docks["Strategies"]], [300, 160], upright)

    def _fit_screen(self) -> None:
        room = self._window.screen().availableGeometry()
        size = first_size(room.size())
        self._window.resize(size)
        if size != QSize(*_DEFAULT_SIZE):  # little room: leave none of it to chance
            self._window.move(room.topLeft())


def first_size(room: QSize) -> QSize:
    """Return how large a window without a remembered size is, its frame within ``room``."""
    return QSize(*_DEFAULT_SIZE).boundedTo(room - QSize(*_FRAME))
