"""The orders and trades that the engine remembers."""

from collections.abc import Sequence

from cryptobot.matching.records import OrderRecord, TradeRecord


class OrderStore:
    """Orders by either id, and trades, by symbol."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[int, OrderRecord]] = {}
        self._open: dict[int, OrderRecord] = {}
        self._latest: dict[tuple[str, str], int] = {}
        self._trades: dict[str, list[TradeRecord]] = {}

    def put(self, record: OrderRecord) -> None:
        """Remember an order as it stands now."""
        orders = self._orders.setdefault(record.symbol, {})
        if record.order_id not in orders:
            self._latest[record.symbol, record.client_order_id] = record.order_id
        orders[record.order_id] = record
        if record.is_open:
            self._open[record.order_id] = record
        else:
            self._open.pop(record.order_id, None)

    def put_trade(self, trade: TradeRecord) -> None:
        """Remember a trade."""
        self._trades.setdefault(trade.symbol, []).append(trade)

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
        """Return every order of a symbol, oldest first."""
        return list(self._orders.get(symbol, {}).values())

    def trades(self, symbol: str) -> Sequence[TradeRecord]:
        """Return every trade of a symbol, oldest first."""
        return list(self._trades.get(symbol, ()))
