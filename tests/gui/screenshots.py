"""Pictures of the window for the README and for eyes: attaches to any control socket.

    python -m tests.gui.screenshots --out DIR --state-dir STATE_DIR
    python -m tests.gui.screenshots --out DIR          (with the scripted engine)

Sizes 1440x900 and 1024x700, dark and light, each with the log and every page of the health panel;
with the scripted engine every banner and dialog too.
"""

import argparse
import socket
import tempfile
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from cryptobot.cli.window import EngineBeside
from cryptobot.domain.order import OrderIntent, OrderType, Side
from cryptobot.gui.app import WindowOptions
from cryptobot.gui.health_checks import Subject, unresolved_of
from cryptobot.gui.main_window import MainWindow
from cryptobot.gui.session import Session
from cryptobot.gui.shapes import app_icon
from cryptobot.gui.theme import apply_theme
from cryptobot.gui.tokens import ThemeName
from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.scripted_past import chatter, fall_ill, populate

SIZES = ((1440, 900), (1024, 700))
LIVE_FOR_MS = 3_000


def pause(ms: int) -> None:
    """Let Qt run for ``ms``."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def shoot(widget: QWidget, out: Path, name: str) -> None:
    """Save a picture of ``widget``."""
    widget.grab().save(str(out / f"{name}.png"))


def open_window(
    state_dir: Path,
    size: tuple[int, int],
    theme: ThemeName,
    beside: EngineBeside | None = None,
) -> MainWindow:
    """Return a window of ``size`` that has been fed for a while."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app, theme)
    app.setWindowIcon(app_icon())
    session = Session(state_dir)
    admin = state_dir / "simulator.address"
    options = WindowOptions(
        state_dir,
        theme,
        close_action="keep",
        simulator=admin if admin.exists() else None,
        engine=beside,
    )
    window = MainWindow(session, options)
    window.resize(*size)
    window.docking.arrange()
    window.drawn.connect(window.panels.chart.load)
    session.start()
    window.show()
    return window


def pictures(state_dir: Path, out: Path, engine: ScriptedEngine | None) -> None:
    """Take the pictures."""
    for theme in (ThemeName.DARK, ThemeName.LIGHT):
        for size in SIZES:
            window = open_window(state_dir, size, theme)
            pause(800)
            if engine is not None:
                chatter(engine)
            pause(LIVE_FOR_MS)
            name = f"{theme}-{size[0]}x{size[1]}"
            shoot(window, out, name)
            window.docking.docks["Log"].raise_()
            pause(300)
            shoot(window, out, f"{name}-log")
            for subject in Subject:
                window.open_health(subject)
                pause(300)
                shoot(window, out, f"{name}-health-{subject.name.lower()}")
            window.leave()
            window.deleteLater()
            pause(50)


def scenes(state_dir: Path, out: Path, engine: ScriptedEngine) -> None:  # noqa: PLR0915 - scenes in a row
    """Take pictures of every banner and dialog."""
    for theme in (ThemeName.DARK, ThemeName.LIGHT):
        engine.simulated, engine.account.mode, engine.fenced = False, "live", False
        engine.mode_reason = "morning checks done"
        window = open_window(state_dir, SIZES[1], theme)
        window.closing.forget()
        pause(2_000)
        shoot(window, out, f"{theme}-live")
        ticket = window.panels.ticket
        ticket.amount.setText("0.0100005")
        ticket.price.setText("61,800")
        pause(100)
        shoot(window, out, f"{theme}-ticket-wrong")
        window.desk.place(OrderIntent("BTC/USDT", Side.BUY, OrderType.MARKET, Decimal("0.01")))
        pause(200)
        question = window.desk._question
        assert question is not None
        shoot(question, out, f"{theme}-live-order")
        question.reject()
        take_settling(window, out, theme)
        engine.stay_open = [{}, {}]
        engine.in_flight = [{"outcome": "stopped_before_wire"}, {"outcome": "still_unknown"}]
        window.modes.to_paper()
        pause(800)
        engine.exchange_up, engine.trading_state = False, "halted"
        engine.live_blockers = ["reconciliation has not run yet"]
        pause(1_300)
        shoot(window, out, f"{theme}-paper")
        window.open_live_dialog()
        engine.refuse_live = [
            {"precondition": "health", "detail": "the exchange is down"},
            {"precondition": "unresolved_orders", "detail": "1 order is unresolved"},
        ]
        assert window.live_dialog is not None
        window.live_dialog.account.setText("main")
        window.live_dialog.reason.setText("checks done")
        pause(200)
        window.live_dialog.go.click()
        pause(400)
        shoot(window.live_dialog, out, f"{theme}-go-live")
        window.live_dialog.reject()
        window.closing._action = type(window.closing._action).ASK
        window.closing.begin()
        pause(300)
        assert window.closing.question is not None
        shoot(window.closing.question, out, f"{theme}-close")
        window.closing.question.reject()
        engine.market_silent = True
        pause(4_000)
        shoot(window, out, f"{theme}-old-prices")
        engine.market_silent = False
        engine.silent = True
        engine.hang = True
        pause(3_500)
        window.modes.to_paper()
        pause(2_600)
        shoot(window, out, f"{theme}-lost")
        engine.silent = engine.hang = False
        engine.exchange_up, engine.trading_state = True, "active"
        window.leave()
        window.deleteLater()
        (state_dir / "PAPER_ONLY").unlink(missing_ok=True)
    state_dir = state_dir / "nowhere"
    window = open_window(state_dir, SIZES[1], ThemeName.DARK)
    pause(1_500)
    shoot(window, out, "dark-empty")
    window.leave()
    with socket.create_server(("127.0.0.1", 0)) as taken, closing(_no_engine(taken)) as beside:
        beside.start()
        window = open_window(state_dir, SIZES[1], ThemeName.DARK, beside)
        pause(5_000)
        shoot(window, out, "dark-no-engine")
        window.leave()


def take_settling(window: MainWindow, out: Path, theme: ThemeName) -> None:
    """Take pictures of the questions about an unknown outcome and a dead letter."""
    state, desk = window.session.state, window.health_desk
    desk.settle(unresolved_of(state.orders.values())[0])
    assert desk.question is not None
    assert desk.question.choice is not None
    for name, choice in (
        ("adopt", desk.question.choice.adopt),
        ("not-placed", desk.question.choice.not_placed),
    ):
        choice.click()
        pause(100)
        shoot(desk.question, out, f"{theme}-settle-{name}")
    desk.question.reject()
    for name, ask in (("retry", desk.retry), ("discard", desk.discard)):
        ask(state.dead_letters[0])
        pause(100)
        shoot(desk.question, out, f"{theme}-{name}")
        desk.question.reject()


def _no_engine(taken: socket.socket) -> EngineBeside:
    """Return an engine that cannot have its metrics port."""
    return EngineBeside(["engine", "--metrics-port", str(taken.getsockname()[1])])


def main() -> None:
    """Take the pictures asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state-dir", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    if options.state_dir is not None:
        pictures(options.state_dir, options.out, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder)
        engine = ScriptedEngine(state_dir, mode="live", simulated=True)
        engine.mode_reason = "demo start"
        populate(engine)
        fall_ill(engine)
        with engine:
            pictures(state_dir, options.out, engine)
            scenes(state_dir, options.out, engine)


if __name__ == "__main__":
    main()
