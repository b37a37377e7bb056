"""The orders and trades that the engine remembers."""

from collections import deque
from collections.abc import Sequence

from cryptobot.matching.records import OrderRecord, TradeRecord


class OrderStore:
    """Orders by either id, and their trades, by symbol.

    Open orders are never forgotten. A closed order takes its trades with it.

    Args:
        keep_closed: How many closed orders to remember over all symbols, at least 1;
            ``None``: all.

    Raises:
        ValueError: ``keep_closed`` is below 1.
    """

    def __init__(self, keep_closed: int | None = None) -> None:
        if keep_closed is not None and keep_closed < 1:
            raise ValueError(f"keep_closed must be at least 1, not {keep_closed}")
        self._keep_closed = keep_closed
        self._orders: dict[str, dict[int, OrderRecord]] = {}
        self._open: dict[int, OrderRecord] = {}
        self._closed: deque[OrderRecord] = deque()
        self._latest: dict[tuple[str, str], int] = {}
        self._trades: dict[str, dict[int, TradeRecord]] = {}

    def put(self, record: OrderRecord) -> None:
        """Remember an order as it stands now, and the latest of its trades."""
        orders = self._orders.setdefault(record.symbol, {})
        if record.order_id not in orders:
            self._latest[record.symbol, record.client_order_id] = record.order_id
        orders[record.order_id] = record
        if record.fills:
            trade = record.fills[-1]
            self._trades.setdefault(record.symbol, {})[trade.trade_id] = trade
        if record.is_open:
            self._open[record.order_id] = record
        elif self._open.pop(record.order_id, None) is not None:
            self._closed_one(record)

    def get(self, symbol: str, order_id: int) -> OrderRecord | None:
        """Return an order by the engine's id."""
        return self._orders.get(symbol, {}).get(order_id)

    def latest(self, symbol: str, client_order_id: str) -> OrderRecord | None:
        """Return the last order placed under the owner's id."""
        order_id = self._latest.get((symbol, client_order_id))
        return None if order_id is None else self._orders[symbol][order_id]

    def open(self, symbol: str | None) -> list[OrderRecord]:
        """Return open orders, oldest first."""
        return [record for record in self._open.values() if symbol in {None, record.symbol}]

    def orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Return the remembered orders of a symbol, oldest first."""
        return list(self._orders.get(symbol, {}).values())

    def trades(self, symbol: str) -> Sequence[TradeRecord]:
        """Return the trades of the remembered orders of a symbol, oldest first."""
        return list(self._trades.get(symbol, {}).values())

    def _closed_one(self, record: OrderRecord) -> None:
        if self._keep_closed is None:
            return
        self._closed.append(record)
        if len(self._closed) > self._keep_closed:
            self._forget(self._closed.popleft())

    def _forget(self, record: OrderRecord) -> None:
        del self._orders[record.symbol][record.order_id]
        name = (record.symbol, record.client_order_id)
        if self._latest.get(name) == record.order_id:
            del self._latest[name]
        for trade in record.fills:
            del self._trades[record.symbol][trade.trade_id]
