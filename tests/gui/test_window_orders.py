import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QItemSelectionModel, QSize, Qt
from PySide6.QtWidgets import QApplication, QTableView
from pytestqt.qtbot import QtBot

from cryptobot.domain.order import OrderType
from cryptobot.gui.banner_state import Face
from cryptobot.gui.docking import first_size
from cryptobot.gui.main_window import MainWindow
from cryptobot.gui.models.order_columns import OrderColumn
from cryptobot.gui.models.orders import OrderFilter
from tests.gui.conftest import OpenWindow
from tests.gui.scripted_account import stamp
from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.scripted_past import populate
from tests.gui.test_window_modes import WAIT_MS, wait_face


def choose_first(table: QTableView) -> None:
    """Select the first row; ``selectRow`` would heed the modifier keys of an earlier test."""
    flags = QItemSelectionModel.SelectionFlag
    table.selectionModel().select(table.model().index(0, 0), flags.ClearAndSelect | flags.Rows)


def test_ticket_with_a_good_order_sends_it_and_shows_the_answer(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    ticket = window.panels.ticket
    qtbot.waitUntil(lambda: ticket.symbol.count() > 0, timeout=WAIT_MS)
    ticket.amount.setText("0.01")
    ticket.price.setText("60000")
    qtbot.waitUntil(ticket.submit.isEnabled, timeout=WAIT_MS)
    assert ticket.submit.text() == "Buy 0.01 BTC \N{EN DASH} PAPER"
    ticket.submit.click()
    qtbot.waitUntil(lambda: "accepted on paper" in ticket.result.text(), timeout=WAIT_MS)
    assert engine.asked("order.place") == [
        {
            "symbol": "BTC/USDT",
            "side": "buy",
            "type": "limit",
            "amount": "0.01",
            "price": "60000",
            "time_in_force": "GTC",
            "expect_mode": "paper",
        }
    ]
    blotter = window.panels.blotter
    qtbot.waitUntil(lambda: blotter.model.counts[OrderFilter.OPEN] == 1, timeout=WAIT_MS)
    choose_first(blotter.table)
    blotter.cancel_action.trigger()
    qtbot.waitUntil(lambda: blotter.model.counts[OrderFilter.OPEN] == 0, timeout=WAIT_MS)


def place(window: MainWindow, qtbot: QtBot, words: str) -> None:
    """Place an order with the ticket and wait for ``words``."""
    ticket = window.panels.ticket
    qtbot.waitUntil(lambda: ticket.symbol.count() > 0, timeout=WAIT_MS)
    ticket.amount.setText("0.01")
    ticket.price.setText("60000")
    qtbot.waitUntil(ticket.submit.isEnabled, timeout=WAIT_MS)
    ticket.submit.click()
    qtbot.waitUntil(lambda: words in ticket.result.text(), timeout=WAIT_MS)
    assert not ticket.result.isHidden()


def test_answer_under_the_ticket_follows_its_order_and_ends_with_the_mode(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    result = window.panels.ticket.result
    place(window, qtbot, "accepted on paper")
    (order,) = engine.account.orders.values()
    order |= {"state": "unresolved", "updated_at": stamp(time.time() + 1)}
    engine.tell("orders", order)
    qtbot.waitUntil(lambda: "unresolved on paper" in result.text(), timeout=WAIT_MS)
    assert result.property("role") == "warn"
    order |= {"state": "filled", "updated_at": stamp(time.time() + 2)}
    engine.tell("orders", order)
    qtbot.waitUntil(lambda: "filled on paper" in result.text(), timeout=WAIT_MS)
    assert result.property("role") == "good"
    engine.account.mode = "live"
    wait_face(qtbot, window, Face.LIVE)
    assert result.isHidden()


def test_answer_under_the_ticket_goes_when_another_order_is_typed(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    ticket = window.panels.ticket
    others: list[Callable[[], object]] = [
        lambda: ticket.amount.setText("0.02"),
        lambda: ticket.price.setText("60001"),
        ticket.sell.toggle,
        lambda: ticket.time_in_force.setCurrentIndex(1),
        lambda: ticket.symbol.setCurrentText("ETH/USDT"),
    ]
    for another in others:
        place(window, qtbot, "accepted on paper")
        another()
        assert ticket.result.isHidden()
    order = list(engine.account.orders.values())[-1]
    order |= {"state": "filled", "updated_at": stamp(time.time() + 1)}
    engine.tell("orders", order)
    states = window.session.state.orders
    qtbot.waitUntil(lambda: states[order["order_id"]].state == "filled", timeout=WAIT_MS)
    QApplication.processEvents()
    assert ticket.result.isHidden()


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (860, 560)])
def test_answer_under_the_ticket_is_whole_at_any_size(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    engine.refuse_place = f"banned: {'the exchange banned this address ' * 4}{'x' * 200}"
    window = open_window()
    window.resize(*size)
    window.docking.arrange()
    wait_face(qtbot, window, Face.PAPER)
    place(window, qtbot, "Not placed: banned")
    result, dock = window.panels.ticket.result, window.docking.docks["Order ticket"]
    QApplication.processEvents()
    assert result.height() >= result.heightForWidth(result.width())
    assert result.width() >= 240
    inner = result.contentsRect()
    wrap = int(Qt.TextFlag.TextWordWrap)
    lines = result.fontMetrics().boundingRect(inner, wrap, result.text())
    assert lines.width() <= inner.width()
    corners = (result.rect().topLeft(), result.rect().bottomRight())
    assert all(dock.rect().contains(result.mapTo(dock, corner)) for corner in corners)
    assert dock.geometry().bottom() < window.docking.docks["Order book"].geometry().top()
    if size == (1440, 900):
        engine.refuse_place = "halted"
        place(window, qtbot, "Not placed: halted")
        QApplication.processEvents()
        button = window.panels.ticket.submit
        assert button.visibleRegion().boundingRect() == button.rect()


def test_simulated_trade_bears_one_word_everywhere(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode, engine.simulated = "live", True
    window = open_window()
    wait_face(qtbot, window, Face.SIMULATED)
    panels = window.panels
    panels.ticket.types[OrderType.MARKET].click()
    place(window, qtbot, "filled on simulated")
    assert panels.ticket.submit.text().endswith(" SIMULATED")
    fills = panels.fills.table.model()
    qtbot.waitUntil(lambda: fills.rowCount() == 1, timeout=WAIT_MS)
    orders = panels.blotter.table.model()
    for model in (orders, fills):
        titles = [
            model.headerData(at, Qt.Orientation.Horizontal) for at in range(model.columnCount())
        ]
        assert model.index(0, titles.index("Mode")).data() == "SIMULATED"
    panels.blotter.search.setText("simulated")
    assert orders.rowCount() == 1
    tip = str(fills.index(0, 0).data(Qt.ItemDataRole.ToolTipRole))
    assert "simulated" in tip
    assert "live" not in tip


def test_ticket_with_long_numbers_stays_as_wide_as_it_was(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    ticket, dock = window.panels.ticket, window.docking.docks["Order ticket"]
    qtbot.waitUntil(lambda: ticket.symbol.count() > 0, timeout=WAIT_MS)
    QApplication.processEvents()
    before = (dock.width(), ticket.width(), ticket.minimumSizeHint().width())
    ticket.amount.setText(f"{63 * 10**15}.12345")
    ticket.price.setText(str(4 * 10**15))
    QApplication.processEvents()
    assert len(ticket.value.text()) > 40
    assert engine.asked("instrument.list")
    assert before == (dock.width(), ticket.width(), ticket.minimumSizeHint().width())
    assert ticket.width() <= dock.width()
    ticket.submit.grab()
    assert ticket.submit.toolTip() == ticket.submit.text()


def test_ticket_in_live_asks_before_real_money_moves(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    ticket = window.panels.ticket
    qtbot.waitUntil(lambda: ticket.symbol.count() > 0, timeout=WAIT_MS)
    ticket.amount.setText("0.01")
    ticket.price.setText("60000")
    qtbot.waitUntil(ticket.submit.isEnabled, timeout=WAIT_MS)
    ticket.submit.click()
    question = window.desk._question
    assert question is not None
    assert "main" in question.words.text()
    assert engine.asked("order.place") == []
    question.send.click()
    qtbot.waitUntil(lambda: len(engine.asked("order.place")) == 1, timeout=WAIT_MS)


def test_ticket_with_trading_halted_cannot_send(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.trading_state = "halted"
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    window.panels.ticket.amount.setText("0.01")
    window.panels.ticket.price.setText("60000")
    assert window.panels.ticket.submit.text() == "Trading is halted"
    assert not window.panels.ticket.submit.isEnabled()


def test_window_after_a_reconnect_shows_what_happened_meanwhile(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    engine.stop()
    wait_face(qtbot, window, Face.LOST)
    populate(engine)
    engine.start()
    blotter = window.panels.blotter
    everything = len(engine.account.orders)
    qtbot.waitUntil(lambda: blotter.model.rowCount() == everything, timeout=WAIT_MS)
    fills = window.panels.fills.model
    qtbot.waitUntil(lambda: fills.rowCount() == len(engine.account.fills), timeout=WAIT_MS)
    choose_first(window.panels.strategies.table)
    window.panels.strategies.stop_button.click()
    qtbot.waitUntil(lambda: engine.strategies[0]["state"] == "stopped", timeout=WAIT_MS)


def test_window_with_malformed_messages_says_so_in_a_line_and_goes_on(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    log = window.panels.log.model

    def events() -> str:
        return "\n".join(log.record_at(row).event for row in range(log.rowCount()))

    def wait_for(words: str) -> None:
        qtbot.waitUntil(lambda: words in events(), timeout=WAIT_MS)

    engine.send_raw(b"\x00 not json\n[1]\n")
    engine.tell("orders", {"order_id": 7})
    engine.tell("status", {"mode": "moon"})
    for words in ("not JSON", "not a JSON object", "created_at is missing", "passed over"):
        wait_for(words)
    assert window.panels.banner.face is Face.PAPER


def test_chart_once_loaded_draws_candles_and_our_fills(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    populate(engine)
    window = open_window()
    chart = window.panels.chart
    chart.load()
    qtbot.waitUntil(lambda: chart.plot is not None, timeout=60_000)
    qtbot.waitUntil(lambda: chart.plot is not None and chart.plot.isVisible(), timeout=WAIT_MS)
    plot = chart.plot
    assert plot is not None
    qtbot.waitUntil(lambda: len(plot.marks.data) > 0, timeout=WAIT_MS)
    assert plot.following
    chart.symbol.setCurrentText("ETH/USDT")
    qtbot.waitUntil(lambda: chart._shown == ("ETH/USDT", "1m"), timeout=WAIT_MS)
    chart.timeframe.setCurrentText("1h")
    qtbot.waitUntil(lambda: "no candles of 1h here" in chart.hint.text(), timeout=WAIT_MS)
    assert window.panels.ticket.symbol.currentText() == "ETH/USDT"


@pytest.mark.parametrize("size", [(1440, 900), (1100, 700), (860, 560)])
def test_blotter_of_failed_orders_shows_why(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    engine.account.mode = "live"
    populate(engine)
    window = open_window()
    window.resize(*size)
    window.docking.arrange()
    wait_face(qtbot, window, Face.LIVE)
    blotter = window.panels.blotter
    table, tabs, filters = blotter.table, blotter.tabs, list(OrderFilter)
    qtbot.waitUntil(lambda: table.model().rowCount() > 0, timeout=WAIT_MS)
    qtbot.waitUntil(table.isVisible, timeout=WAIT_MS)
    for which in (OrderFilter.FAILED, OrderFilter.DENIED):
        tabs.setCurrentIndex(filters.index(which))
        assert not table.isColumnHidden(OrderColumn.REASON)
        assert not table.isColumnHidden(OrderColumn.STATE)
        assert table.horizontalHeader().length() <= table.viewport().width()
        shown = {
            str(table.model().index(row, OrderColumn.REASON).data())
            for row in range(table.model().rowCount())
        }
        told = {
            str(order["reason"])
            for order in engine.account.orders.values()
            if order["state"] == ("denied" if which is OrderFilter.DENIED else "rejected")
        }
        assert told <= shown
        assert "None" not in told
    tabs.setCurrentIndex(filters.index(OrderFilter.ALL))
    assert table.isColumnHidden(OrderColumn.REASON)


@pytest.mark.parametrize(
    ("room", "size"),
    [
        ((1700, 1100), (1440, 900)),
        ((1440, 900), (1424, 852)),
        ((1920, 900), (1440, 852)),
        ((1280, 720), (1264, 672)),
    ],
)
def test_first_window_leaves_room_for_its_frame(
    room: tuple[int, int], size: tuple[int, int]
) -> None:
    assert first_size(QSize(*room)) == QSize(*size)


def test_first_window_on_a_small_screen_stands_at_its_corner(open_window: OpenWindow) -> None:
    window = open_window()
    room = window.screen().availableGeometry()
    assert window.size() == first_size(room.size()).expandedTo(window.minimumSize())
    assert window.pos() == room.topLeft()


@pytest.mark.parametrize("size", [(1440, 900), (1100, 700), (860, 560)])
def test_tables_at_any_size_show_whole_columns(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    populate(engine)
    window = open_window()
    window.resize(*size)
    window.docking.arrange()
    wait_face(qtbot, window, Face.PAPER)
    orders, fills = window.panels.blotter.table, window.panels.fills.table
    qtbot.waitUntil(lambda: orders.model().rowCount() > 0, timeout=WAIT_MS)
    for table in (orders, fills):
        window.docking.docks["Fills" if table is fills else "Orders"].raise_()
        qtbot.waitUntil(table.isVisible, timeout=WAIT_MS)
        head = table.horizontalHeader()
        assert head.length() <= table.viewport().width()
        assert not table.isColumnHidden(OrderColumn.TIME)
    shown = {column for column in OrderColumn if not orders.isColumnHidden(column)}
    assert {OrderColumn.SYMBOL, OrderColumn.SIDE, OrderColumn.STATE, OrderColumn.AMOUNT} <= shown
    first = orders.model().index(0, 0)
    assert "Fee: " in str(orders.model().data(first, Qt.ItemDataRole.ToolTipRole))
