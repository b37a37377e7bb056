"""Running the window as a program."""

import sys

from PySide6.QtWidgets import QApplication

from cryptobot.gui.incidents import Incidents, install_hooks
from cryptobot.gui.layout_store import LayoutStore
from cryptobot.gui.main_window import MainWindow, stored_theme
from cryptobot.gui.options import WindowOptions
from cryptobot.gui.session import Session
from cryptobot.gui.shapes import app_icon
from cryptobot.gui.theme import apply_theme
from cryptobot.gui.unix_signals import UnixSignals

__all__ = ["WindowOptions", "run"]


def run(options: WindowOptions) -> int:
    """Show the window until it is closed.

    SIGINT and SIGTERM close it without a question: the engine is stopped when ``close_action`` is
    ``stop``, and kept otherwise.

    Returns:
        The exit code: 0.
    """
    app = _application()
    apply_theme(app, stored_theme(LayoutStore(options.state_dir), options.theme))
    incidents = Incidents()
    install_hooks(incidents, options.state_dir / "crash")
    session = Session(options.state_dir, incidents)
    window = MainWindow(session, options)

    def drawn() -> None:
        if options.on_drawn is not None:
            options.on_drawn()
        window.panels.chart.load()

    window.drawn.connect(drawn)
    window.left.connect(app.quit)
    signals = UnixSignals(lambda: window.closing.begin(may_ask=False), window)
    session.start()
    if options.minimized:
        window.showMinimized()
    else:
        window.show()
    try:
        return app.exec()
    finally:
        signals.restore()
        session.stop()


def _application() -> QApplication:
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("CryptoBot")
    app.setDesktopFileName("cryptobot")
    app.setWindowIcon(app_icon())
    app.setQuitOnLastWindowClosed(False)
    return app
