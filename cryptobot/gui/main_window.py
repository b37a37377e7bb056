"""The main window: lays the panels out, wires the buttons, closes in order."""

from typing import Final

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMenuBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cryptobot.gui.banner_state import Face
from cryptobot.gui.chart_feed import ChartFeed
from cryptobot.gui.closing import Closing
from cryptobot.gui.docking import Docking
from cryptobot.gui.health_checks import Subject
from cryptobot.gui.health_desk import HealthDesk
from cryptobot.gui.layout_store import LayoutStore
from cryptobot.gui.mode_outcome import Outcome, Tone
from cryptobot.gui.mode_switch import ModeSwitch
from cryptobot.gui.notices import Notices
from cryptobot.gui.options import WindowOptions
from cryptobot.gui.order_desk import OrderDesk
from cryptobot.gui.panels import Panels
from cryptobot.gui.presenter import Presenter
from cryptobot.gui.session import Session
from cryptobot.gui.simulator.link import SimulatorLink
from cryptobot.gui.simulator.menu import SimulatorMenu
from cryptobot.gui.simulator.strip import SimulatorStrip
from cryptobot.gui.starting import Starting
from cryptobot.gui.theme import apply_theme
from cryptobot.gui.tokens import ThemeName
from cryptobot.gui.tray import Tray
from cryptobot.gui.views.banner import SHORTCUT
from cryptobot.gui.views.live_dialog import LiveDialog
from cryptobot.gui.views.questions import CloseAction

_SMALLEST: Final = (860, 560)
_THEME_KEY: Final = "theme"


class MainWindow(QMainWindow):
    """The window.

    Args:
        session: The session with the engine; started by whoever runs the window.
        options: How it was started.

    Signals:
        drawn: It has been painted for the first time.
        left: It has closed for good.
    """

    drawn = Signal()
    left = Signal()

    def __init__(self, session: Session, options: WindowOptions) -> None:
        super().__init__()
        self.session = session
        self._options = options
        self._store = LayoutStore(options.state_dir)
        self._drawn = False
        self._leaving = False
        self.setWindowTitle("CryptoBot")
        self.setMinimumSize(*_SMALLEST)
        self.panels = Panels.make()
        self.notices = Notices(session, self.panels.result)
        self.starting = Starting(session, options.engine, self.notices)
        self.modes = ModeSwitch(session, self)
        self.desk = OrderDesk(session, self.panels.ticket, self)
        self.health_desk = HealthDesk(session, self)
        self.closing = Closing(session, self._store, CloseAction(options.close_action), self)
        self.tray = Tray(self) if Tray.available() else None
        self.presenter = Presenter(session, self.panels, self.tray)
        self.feed = ChartFeed(session, self.panels.chart)
        self.simulator = None
        if options.simulator is not None:
            self.simulator = SimulatorLink(options.simulator, self)
        self.live_dialog: LiveDialog | None = None
        self._actions()
        self.docking = Docking(self, self.panels, self._store)
        self._top()
        self._wire()
        self.docking.restore()
        if self.tray is not None:
            self.tray.show()

    def event(self, event: QEvent) -> bool:
        """Notice the first painting."""
        done = super().event(event)
        if not self._drawn and event.type() == QEvent.Type.Paint:
            self._drawn = True
            QTimer.singleShot(0, self, self.drawn.emit)
        return done

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask first what becomes of the engine; close when that is settled."""
        if not self._leaving:
            event.ignore()
            self.closing.begin()
            return
        self.docking.save()
        event.accept()

    def leave(self) -> None:
        """Close for good, now."""
        if self._leaving:
            return
        self._leaving = True
        self.panels.chart.late.wait()
        self.close()
        if self.tray is not None:
            self.tray.icon.hide()
        self.session.stop()
        if self.simulator is not None:
            self.simulator.stop()
        self.left.emit()

    def set_theme(self, name: ThemeName) -> None:
        """Dress in ``name`` and remember it."""
        self._store.put_text(_THEME_KEY, name.value)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, name)

    def _wire(self) -> None:
        panels = self.panels
        panels.banner.to_paper.connect(self.modes.to_paper)
        panels.banner.go_live.connect(self.open_live_dialog)
        panels.banner.start_engine.connect(self.starting.start)
        panels.banner.start_engine.connect(self.presenter.show_status)
        panels.result.cancel_open.connect(self.modes.cancel_open_live)
        self.modes.outcome.connect(self._show_outcome)
        panels.ticket.submitted.connect(self.desk.place)
        panels.ladder.price_chosen.connect(panels.ticket.take_price)
        panels.blotter.cancel.connect(self.desk.cancel)
        panels.blotter.settle.connect(self.health_desk.settle)
        panels.health.settle.connect(self.health_desk.settle)
        panels.health.retry.connect(self.health_desk.retry)
        panels.health.discard.connect(self.health_desk.discard)
        panels.status.opened.connect(self.open_health)
        panels.strategies.start.connect(self._start_strategy)
        panels.strategies.stop.connect(self._stop_strategy)
        self.closing.stopping.connect(self._say_stopping)
        self.closing.done.connect(self.leave)
        if self.tray is not None:
            self.tray.to_paper.connect(self.modes.to_paper)
            self.tray.quit_wanted.connect(self._begin_closing)

    def open_live_dialog(self) -> None:
        """Ask what is needed to go live; the shortcut to paper works meanwhile."""
        status = self.session.state.status
        if status is None or self.panels.banner.face is not Face.PAPER:
            return
        self.live_dialog = LiveDialog(status, self.modes.to_live, self)
        self.live_dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.live_dialog.show()

    def open_health(self, subject: Subject) -> None:
        """Bring the health panel to the front, at ``subject``."""
        self.docking.bring("Health")
        self.panels.health.open_at(subject)

    def _show_outcome(self, outcome: Outcome) -> None:
        self.panels.banner.set_busy(busy=outcome.tone is Tone.BUSY)
        self.notices.show(outcome)

    def _say_stopping(self) -> None:
        self.notices.show(
            Outcome(Tone.BUSY, "Stopping the engine...", "The window closes when it has stopped")
        )

    def _begin_closing(self) -> None:
        self.closing.begin()

    def _start_strategy(self, name: str) -> None:
        self.session.call("strategy.start", self._strategy_answered, name=name, params={})

    def _stop_strategy(self, name: str) -> None:
        self.session.call("strategy.stop", self._strategy_answered, name=name)

    def _strategy_answered(self, _result: object, error: Exception | None) -> None:
        if error is not None:
            self.panels.strategies.say(str(error))

    def _actions(self) -> None:
        self.paper_action = QAction("Switch to &paper", self)
        self.paper_action.setShortcut(QKeySequence(SHORTCUT))
        self.paper_action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
        self.paper_action.triggered.connect(self.modes.to_paper)
        self.live_action = QAction("Go &live...", self)
        self.live_action.triggered.connect(self.open_live_dialog)
        self.quit_action = QAction("&Quit", self)
        self.quit_action.setShortcut(QKeySequence("Ctrl+Q"))
        self.quit_action.triggered.connect(self._begin_closing)
        self.addAction(self.paper_action)

    def _top(self) -> None:
        bar = QMenuBar()
        file_menu = bar.addMenu("&File")
        file_menu.addAction("&Ask again on closing", self.closing.forget)
        file_menu.addSeparator()
        file_menu.addAction(self.quit_action)
        mode_menu = bar.addMenu("&Mode")
        mode_menu.addAction(self.paper_action)
        mode_menu.addAction(self.live_action)
        view_menu = bar.addMenu("&View")
        self.health_action = view_menu.addAction("Show the &health")
        self.health_action.setShortcut(QKeySequence("Ctrl+Shift+H"))
        self.health_action.triggered.connect(self._show_health)
        view_menu.addSeparator()
        self.docking.fill_menu(view_menu)
        view_menu.addSeparator()
        self._fill_theme_menu(view_menu.addMenu("&Theme"))
        if self.simulator is not None:
            self.simulator_menu = SimulatorMenu(self.simulator)
            bar.addMenu(self.simulator_menu)
            self.session.refreshed.connect(self._offer_faults)
            self._offer_faults()
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar if self.simulator is None else self._beside(bar, self.simulator))
        column.addWidget(self.panels.banner)
        column.addWidget(self.panels.result)
        self.setMenuWidget(top)

    def _beside(self, bar: QMenuBar, simulator: SimulatorLink) -> QWidget:
        """Return the menus with the simulator's faults beside them."""
        top = QWidget()
        top.setObjectName("panel")
        top.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(top)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        bar.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        row.addWidget(bar)
        strip = SimulatorStrip(simulator)
        room = strip.sizePolicy()
        room.setRetainSizeWhenHidden(True)
        room.setHorizontalPolicy(QSizePolicy.Policy.Expanding)
        strip.setSizePolicy(room)
        row.addWidget(strip, 1)
        top.setFixedHeight(max(bar.sizeHint().height(), strip.minimumSizeHint().height()))
        simulator.start()
        return top

    def _show_health(self) -> None:
        self.open_health(self.panels.health.worst)

    def _offer_faults(self) -> None:
        status = self.session.state.status
        self.simulator_menu.menuAction().setVisible(status is not None and status.simulated)

    def _fill_theme_menu(self, menu: QMenu) -> None:
        group = QActionGroup(self)
        chosen = stored_theme(self._store, self._options.theme)
        for name in ThemeName:
            action = menu.addAction(f"&{name.capitalize()}")
            action.setCheckable(True)
            action.setChecked(name is chosen)
            action.triggered.connect(lambda _=False, name=name: self.set_theme(name))
            group.addAction(action)


def stored_theme(store: LayoutStore, asked: ThemeName | None) -> ThemeName:
    """Return the theme asked for, else the one used last, else the desktop's."""
    if asked is not None:
        return asked
    allowed = frozenset(name.value for name in ThemeName)
    return ThemeName(store.text(_THEME_KEY, ThemeName.SYSTEM.value, allowed))
