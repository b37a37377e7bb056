"""The account's past through ccxt: which call lists closed orders, and lists read page by page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from cryptobot.domain.errors import ReadFailed, ReadUnsupported

PAGE: Final = 1000
"""Rows a page: the most that Binance gives (``GET /api/v3/myTrades``, ``allOrders``)."""

CLOSED_ORDERS: Final = (
    ("fetchOrders", "fetch_orders"),
    ("fetchCanceledAndClosedOrders", "fetch_canceled_and_closed_orders"),
)
"""ccxt's calls that list every closed order, best first. ``fetchClosedOrders`` is none of them: on
Binance it leaves out what was cancelled, expired or rejected."""

Fetch = Callable[[int | None, int], Awaitable[Sequence[Mapping[str, Any]]]]
"""Reads one page: the rows at or after a UTC time in milliseconds, oldest first, and how many."""


def closed_orders_method(instance: Any) -> str:
    """Return the ccxt method that lists closed orders. Raises ``ReadUnsupported``."""
    if instance is None:
        raise ReadFailed("closed_orders: the exchange client is not connected", "not_connected")
    for feature, method in CLOSED_ORDERS:
        if instance.has.get(feature):
            return method
    raise ReadUnsupported("closed_orders: ccxt cannot list them on this exchange")


async def pages(fetch: Fetch, since_ms: int | None) -> list[Mapping[str, Any]]:
    """Return every row from ``since_ms`` on, oldest first; ``None``: the latest page.

    The next page begins at the last row's millisecond, not after it: a page may end between two
    rows of one millisecond. Rows are told apart by their id.

    Raises:
        ReadFailed: A page could not be read, or one millisecond fills a whole page.
    """
    found: dict[object, Mapping[str, Any]] = {}
    since = since_ms
    while True:
        rows = await fetch(since, PAGE)
        found.update((row["id"], row) for row in rows)
        if since is None or len(rows) < PAGE:
            return sorted(found.values(), key=lambda row: int(row["timestamp"] or 0))
        newest = max(int(row["timestamp"]) for row in rows)
        if newest <= since:
            raise ReadFailed(f"more than {PAGE} rows in the millisecond {since}: cannot read on")
        since = newest
