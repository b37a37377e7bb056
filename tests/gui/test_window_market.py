"""The window when the market falls silent, and what it says of orders that failed."""

import time
from decimal import Decimal

from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from cryptobot.domain.order import OrderState, OrderType
from cryptobot.gui.banner_state import Face
from cryptobot.gui.health_checks import Subject
from cryptobot.gui.main_window import MainWindow
from cryptobot.gui.models.orders import OrderFilter
from tests.gui.conftest import OpenWindow
from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.scripted_past import populate
from tests.gui.test_window_modes import WAIT_MS, wait_face


def strip(window: MainWindow, name: str) -> str:
    return window.panels.status.cells[name].value.text()


def chips(window: MainWindow) -> list[str]:
    return list(window.panels.banner.marks._words)


def saturated(image: QImage) -> int:
    """Return how many pixels have a colour of their own."""
    pixels = (
        QColor(image.pixel(x, y))
        for x in range(0, image.width(), 2)
        for y in range(0, image.height(), 2)
    )
    return sum(
        max(p.red(), p.green(), p.blue()) - min(p.red(), p.green(), p.blue()) > 60 for p in pixels
    )


def test_window_with_a_silent_market_greys_prices_though_the_status_says_up(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    panels = window.panels
    panels.chart.load()
    wait_face(qtbot, window, Face.PAPER)
    qtbot.waitUntil(lambda: panels.chart.plot is not None, timeout=60_000)
    qtbot.waitUntil(
        lambda: bool(panels.chart.last.text()) and not panels.chart.old, timeout=WAIT_MS
    )
    qtbot.waitUntil(
        lambda: panels.ladder._book is not None and not panels.ladder.old, timeout=WAIT_MS
    )
    plot = panels.chart.plot
    assert plot is not None
    bright = saturated(panels.ladder.grab().toImage())
    assert strip(window, "Binance").endswith("up")
    panels.ticket.types[OrderType.MARKET].click()
    panels.ticket.amount.setText("0.01")
    qtbot.waitUntil(
        lambda: panels.ticket.value.text().startswith("\N{ALMOST EQUAL TO} "), timeout=WAIT_MS
    )

    engine.market_silent = True
    qtbot.waitUntil(lambda: panels.ladder.old.startswith("book 2 s old"), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: panels.chart.old.startswith("prices "), timeout=WAIT_MS)
    assert panels.chart.age.isVisible()
    assert panels.chart.age.property("role") == "warn"
    assert plot.candles.opacity() < 0.5
    assert saturated(panels.ladder.grab().toImage()) < bright / 4
    assert strip(window, "Binance").partition(" ")[2].startswith("silent for")
    assert chips(window) == ["PRICES OLD"]
    assert panels.ticket.value.text().startswith("book ")
    assert panels.portfolio.gain.text().startswith("prices ")
    assert not panels.portfolio.equity.isEnabled()
    qtbot.waitUntil(lambda: panels.chart.age.text() == "prices 4 s old", timeout=WAIT_MS)

    engine.market_silent = False
    qtbot.waitUntil(lambda: not panels.chart.old and not panels.ladder.old, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: strip(window, "Binance").endswith("up"), timeout=WAIT_MS)
    assert plot.candles.opacity() == 1.0
    assert not panels.chart.age.isVisible()
    assert chips(window) == []
    assert panels.portfolio.gain.text().startswith("open")


def test_window_with_old_balances_says_how_old_beside_the_equity(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    portfolio = window.panels.portfolio
    qtbot.waitUntil(lambda: portfolio.gain.text().startswith("open"), timeout=WAIT_MS)
    engine.balances_at = time.time() - 200
    qtbot.waitUntil(lambda: portfolio.gain.text() == "balances 3 min old", timeout=WAIT_MS)
    assert not portfolio.equity.isEnabled()
    engine.balances_at = None
    qtbot.waitUntil(lambda: portfolio.gain.text().startswith("open"), timeout=WAIT_MS)
    assert portfolio.equity.isEnabled()


def test_window_with_a_lost_exchange_says_so_in_the_strip_and_on_the_banner(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    engine.exchange_up, engine.market_silent = False, True
    qtbot.waitUntil(lambda: strip(window, "Binance").endswith("DOWN"), timeout=WAIT_MS)
    assert strip(window, "Streams").endswith("3 down")
    qtbot.waitUntil(lambda: window.panels.ladder.old != "", timeout=WAIT_MS)
    assert chips(window) == ["EXCHANGE DOWN"]


def test_unresolved_in_the_strip_is_the_number_of_the_health_panel_when_the_engine_is_lost(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    populate(engine)
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    panels = window.panels
    qtbot.waitUntil(lambda: strip(window, "Unresolved") == "1", timeout=WAIT_MS)
    engine.silent = True  # the last status stays, orders do not
    (known,) = engine.account.with_state("unresolved")
    new = {**known, "order_id": "f" * 32}
    engine.tell("orders", new)
    qtbot.waitUntil(lambda: strip(window, "Unresolved") == "2", timeout=WAIT_MS)
    engine.tell("orders", {**new, "state": "rejected"})
    wait_face(qtbot, window, Face.LOST)
    qtbot.waitUntil(lambda: strip(window, "Unresolved") == "1", timeout=WAIT_MS)
    assert panels.health.check(Subject.UNRESOLVED).word == "1"


def test_strategies_are_grey_while_the_engine_is_lost(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    populate(engine)
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    view = window.panels.strategies

    def colours() -> int:
        return saturated(view.table.viewport().grab().toImage())

    window.resize(1440, 900)
    window.docking.arrange()
    qtbot.waitUntil(lambda: view.table.isEnabled() and colours() > 0, timeout=WAIT_MS)
    engine.silent = True
    wait_face(qtbot, window, Face.LOST)
    qtbot.waitUntil(lambda: not view.table.isEnabled(), timeout=WAIT_MS)
    assert colours() == 0
    engine.silent = False
    qtbot.waitUntil(view.table.isEnabled, timeout=WAIT_MS)


def test_failed_in_the_blotter_and_in_the_strip_are_the_same_orders(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    populate(engine)  # all on paper: none of them counts
    account = engine.account
    account.mode = "live"
    wanted = {
        account.order("BTC/USDT", "buy", Decimal(1), state=state, failed=failed)["order_id"]
        for state, failed in (("rejected", True), ("unresolved", True), ("filled", True))
    }
    denied = {order["order_id"] for order in account.orders.values() if order["state"] == "denied"}
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    blotter = window.panels.blotter
    qtbot.waitUntil(lambda: blotter.model.rowCount() == len(account.orders), timeout=WAIT_MS)
    assert strip(window, "Failed").startswith(f"{len(wanted)} of ")
    titles = [blotter.tabs.tabText(at) for at in range(blotter.tabs.count())]
    assert f"Failed  {len(wanted)}" in titles
    assert "Denied  1" in titles

    def shown(which: OrderFilter) -> set[str]:
        blotter.tabs.setCurrentIndex(list(OrderFilter).index(which))
        return {blotter.model.order_at(row).order_id for row in range(blotter.model.rowCount())}

    assert shown(OrderFilter.FAILED) == wanted
    assert shown(OrderFilter.DENIED) == denied
    assert all(
        blotter.model.order_at(row).state is OrderState.DENIED
        for row in range(blotter.model.rowCount())
    )
