import time
from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import QObject, Qt, Signal

from cryptobot.domain.order import OrderState
from cryptobot.gui.log_record import LogRecord
from cryptobot.gui.models.log_tail import BOUND, LogTail
from cryptobot.gui.models.order_columns import OrderColumn
from cryptobot.gui.models.orders import OrderFilter, OrdersModel
from cryptobot.gui.reported import ReportedOrder
from tests.gui.scripted_account import ScriptedAccount


def orders(number: int) -> dict[str, ReportedOrder]:
    account = ScriptedAccount()
    now = time.time()
    made = [
        account.order("BTC/USDT", "buy", Decimal(60_000 + at), at=now + at) for at in range(number)
    ]
    return {order["order_id"]: ReportedOrder.from_wire(order) for order in made}


def shown(model: OrdersModel) -> list[str]:
    return [model.order_at(row).order_id for row in range(model.rowCount())]


@pytest.mark.usefixtures("qapp")
def test_blotter_with_50_000_orders_tells_a_batch_of_updates_once() -> None:
    model = OrdersModel()
    model.sort(OrderColumn.TIME, Qt.SortOrder.DescendingOrder)
    known = orders(50_000)
    model.apply(known)
    assert model.rowCount() == 50_000
    told: list[object] = []
    model.dataChanged.connect(lambda *where: told.append(where))
    model.layoutChanged.connect(lambda *_: told.append("layout"))
    changed = {
        order_id: replace(order, state=OrderState.CANCELED)
        for order_id, order in list(known.items())[:5_000]
    }
    model.apply(changed)
    assert len(told) == 1
    assert model.counts == {
        OrderFilter.ALL: 50_000,
        OrderFilter.OPEN: 45_000,
        OrderFilter.UNRESOLVED: 0,
        OrderFilter.FAILED: 0,
        OrderFilter.DENIED: 0,
    }


@pytest.mark.usefixtures("qapp")
def test_blotter_with_few_moves_equals_one_built_anew() -> None:
    known = orders(300)
    model, fresh = OrdersModel(), OrdersModel()
    for each in (model, fresh):
        each.sort(OrderColumn.PRICE, Qt.SortOrder.DescendingOrder)
        each.show_only(OrderFilter.OPEN)
    model.apply(known)
    ids = list(known)
    changes = {ids[at]: replace(known[ids[at]], state=OrderState.FILLED) for at in range(0, 60, 3)}
    changes |= {ids[at]: replace(known[ids[at]], price=Decimal(at)) for at in range(1, 60, 3)}
    for order_id, order in changes.items():
        model.apply({order_id: order})
    fresh.apply({**known, **changes})
    assert shown(model) == shown(fresh)
    assert len(shown(model)) == 280


@pytest.mark.usefixtures("qapp")
def test_blotter_with_words_shows_only_matching_orders() -> None:
    model = OrdersModel()
    known = orders(50)
    model.apply(known)
    wanted = list(known)[7]
    model.show_only(OrderFilter.ALL, wanted[:12].upper())
    assert shown(model) == [wanted]
    model.show_only(OrderFilter.FAILED)
    assert shown(model) == []


@pytest.mark.usefixtures("qapp")
def test_log_with_more_than_the_bound_keeps_the_newest() -> None:
    tail = LogTail()
    tail.show_only(1, "")
    for start in range(0, BOUND + 500, 250):
        tail.append(
            LogRecord(float(at), at % 2, "engine", f"event {at}", "")
            for at in range(start, start + 250)
        )
    assert tail.total == BOUND
    assert tail.rowCount() == BOUND // 2
    assert tail.record_at(tail.rowCount() - 1).event == f"event {BOUND + 499}"
    tail.show_only(0, "event 1049")
    assert tail.rowCount() == 10 + 1


class _Emitter(QObject):
    fired = Signal(bool)


@pytest.mark.usefixtures("qapp")
def test_signal_emitted_10_000_times_does_not_abort() -> None:
    # PySide6 6.12.0 on Python 3.11 aborts the process after about 570.
    emitter = _Emitter()
    seen: list[bool] = []
    yes = bool(emitter)
    emitter.fired.connect(seen.append)
    for _ in range(10_000):
        emitter.fired.emit(yes)
    assert len(seen) == 10_000


def test_log_record_shows_what_differs_before_what_is_long_or_always_the_same() -> None:
    line = {
        "ts": "2026-01-02T03:04:05.678Z",
        "level": "info",
        "event": "order_answered",
        "logger": "cryptobot.orders",
        "version": "1.2",
        "pid": 7,
        "requestId": "r",
        "orderId": "o",
        "state": "filled",
        "reason": None,
    }
    fields = LogRecord.from_wire(line, 0.0).fields
    assert fields == "state=filled reason=null orderId=o requestId=r version=1.2 pid=7"
