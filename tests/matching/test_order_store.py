import gc
from collections import deque
from collections.abc import Iterable
from types import FunctionType, ModuleType

import pytest

from cryptobot.domain.order import OrderState
from cryptobot.matching.records import OrderRecord

from .venue import BUY, SELL, SYMBOL, D, Venue

CODE = (type, FunctionType, ModuleType)


def market(keep_closed: int | None) -> Venue:
    venue = Venue(keep_closed=keep_closed)
    venue.book("99 x 1000", "101 x 1000")
    return venue


def ids(orders: Iterable[OrderRecord]) -> list[int]:
    return [order.order_id for order in orders]


def entries_within(root: object) -> int:
    """Count the entries of all containers that an object holds, directly or not."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if id(found) not in seen and not isinstance(found, CODE):
            seen[id(found)] = found
            waiting += gc.get_referents(found)
    return sum(len(found) for found in seen.values() if isinstance(found, dict | list | deque))


def test_closed_orders_beyond_the_bound_are_forgotten_with_their_trades() -> None:
    venue = market(keep_closed=2)
    first, second, third = (venue.market(BUY, "1") for _ in range(3))
    assert venue.engine.orders(SYMBOL) == [second, third]
    assert venue.engine.trades(SYMBOL) == [*second.fills, *third.fills]
    assert venue.engine.find(SYMBOL, order_id=first.order_id) is None
    assert venue.engine.find(SYMBOL, client_order_id=first.client_order_id) is None
    assert venue.engine.find(SYMBOL, client_order_id=second.client_order_id) == second


def test_closed_orders_go_in_the_order_of_their_end_and_open_ones_stay() -> None:
    venue = market(keep_closed=1)
    old, other = venue.limit(BUY, "1", "90"), venue.limit(BUY, "2", "100")
    venue.trade(SELL, "1", "100")  # fills half of the other
    for _ in range(3):
        venue.market(BUY, "1")
    assert ids(venue.engine.open_orders()) == [old.order_id, other.order_id]
    assert venue.now(other).state is OrderState.PARTIALLY_FILLED
    assert [trade.order_id for trade in venue.engine.trades(SYMBOL)].count(other.order_id) == 1
    venue.engine.cancel(SYMBOL, other.order_id)
    canceled = venue.engine.cancel(SYMBOL, old.order_id)
    assert venue.engine.orders(SYMBOL) == [canceled]
    assert venue.engine.trades(SYMBOL) == []


def test_client_id_used_again_still_finds_its_later_order() -> None:
    venue = market(keep_closed=1)
    earlier = venue.limit(BUY, "1", "90", client_order_id="again")
    venue.engine.cancel(SYMBOL, earlier.order_id)
    later = venue.limit(BUY, "1", "90", client_order_id="again")
    venue.market(BUY, "1")
    assert venue.engine.find(SYMBOL, order_id=earlier.order_id) is None
    assert venue.engine.find(SYMBOL, client_order_id="again") == later


def test_memory_with_a_bound_does_not_grow_with_orders() -> None:
    venue = market(keep_closed=10)

    def trade(times: int) -> int:
        for _ in range(times):
            venue.market(BUY, "0.5")
            venue.engine.cancel(SYMBOL, venue.limit(SELL, "1", "110").order_id)
        venue.events.clear()
        return entries_within(venue.engine)

    assert trade(20) == trade(200)


def test_closed_orders_without_a_bound_are_all_remembered() -> None:
    venue = market(keep_closed=None)
    placed = [venue.market(BUY, "1") for _ in range(50)]
    assert venue.engine.orders(SYMBOL) == placed
    assert len(venue.engine.trades(SYMBOL)) == 50


def test_bound_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="keep_closed must be at least 1, not 0"):
        market(keep_closed=0)


def test_trade_ids_with_a_source_are_asked_for_each_fill_by_symbol() -> None:
    asked: list[str] = []

    def number(symbol: str) -> int:
        asked.append(symbol)
        return 100 * len(asked)

    venue = Venue(trade_ids=number)
    venue.book(asks="101 x 1, 102 x 1")
    order = venue.market(BUY, "2")
    assert asked == [SYMBOL, SYMBOL]
    assert [fill.trade_id for fill in order.fills] == [100, 200]
    prints = [event.public for event in venue.events if event.public is not None]
    assert [(public.trade_id, public.price) for public in prints] == [(100, D(101)), (200, D(102))]
