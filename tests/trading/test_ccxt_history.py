"""Lists that are longer than a page lose nothing."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from cryptobot.domain.errors import ReadFailed, ReadUnsupported
from cryptobot.trading import ccxt_history
from cryptobot.trading.ccxt_history import PAGE, closed_orders_method, pages


class Listing:
    """Rows at the exchange, read as Binance reads them: from a time on, oldest first."""

    def __init__(self, times: Sequence[int]) -> None:
        self.rows = [{"id": str(number), "timestamp": at} for number, at in enumerate(times)]
        self.asked: list[int | None] = []

    async def __call__(self, since: int | None, limit: int) -> Sequence[Mapping[str, Any]]:
        self.asked.append(since)
        if since is None:
            return self.rows[-limit:]
        return [row for row in self.rows if row["timestamp"] >= since][:limit]  # type: ignore[operator]


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 7])
@pytest.mark.parametrize("apart", [1, 3])
async def test_pages_with_any_number_of_rows_give_every_row_once(count: int, apart: int) -> None:
    listing = Listing([5 + number // apart for number in range(count)])
    assert await pages(listing, 5) == listing.rows


async def test_pages_without_a_time_read_the_latest_one_only() -> None:
    listing = Listing(range(PAGE + 5))
    assert await pages(listing, None) == listing.rows[5:]
    assert listing.asked == [None]


async def test_pages_with_a_millisecond_that_fills_a_page_say_that_they_cannot_go_on() -> None:
    with pytest.raises(ReadFailed, match="millisecond 7"):
        await pages(Listing([5] + [7] * PAGE), 5)


@pytest.mark.parametrize(
    ("has", "method"),
    [
        ({"fetchOrders": True, "fetchCanceledAndClosedOrders": True}, "fetch_orders"),
        (
            {"fetchOrders": None, "fetchCanceledAndClosedOrders": True},
            "fetch_canceled_and_closed_orders",
        ),
    ],
)
def test_closed_orders_method_takes_the_first_that_the_exchange_has(
    has: dict[str, object], method: str
) -> None:
    assert closed_orders_method(SimpleNamespace(has=has)) == method


def test_closed_orders_method_with_filled_orders_only_is_unsupported() -> None:
    with pytest.raises(ReadUnsupported):
        closed_orders_method(SimpleNamespace(has={"fetchClosedOrders": True}))
    with pytest.raises(ReadFailed, match="not connected") as unread:
        closed_orders_method(None)
    assert unread.value.code == "not_connected"


def test_methods_are_ccxts_own() -> None:
    binance = pytest.importorskip("ccxt.async_support").binance
    for _, method in ccxt_history.CLOSED_ORDERS:
        assert callable(getattr(binance, method))
