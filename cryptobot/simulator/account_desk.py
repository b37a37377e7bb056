"""Where the account's requests arrive: every order received is written down, also refused ones."""

from dataclasses import dataclass

from cryptobot.domain.ids import IdSource
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.records import NewOrder, OrderRecord
from cryptobot.matching.refusal import Refusal
from cryptobot.simulator.limits import RateLimits
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.venue import Venue
from cryptobot.simulator.wire.order_shapes import STATUS
from cryptobot.simulator.wire_error import WireError, refusal_error


@dataclass(slots=True)
class Received:
    """An order request, as it came in.

    Attributes:
        received_ns: When its request was read off the wire, by the machine's UTC clock.
        received_monotonic_ns: The same by the machine's monotonic clock.
        order_id: ``None`` while or when it was refused.
        error: ``{"code", "msg"}`` when it was refused.
    """

    received_ns: int
    received_monotonic_ns: int
    params: dict[str, str]
    via: str
    order_id: int | None = None
    symbol: str | None = None
    error: dict[str, object] | None = None


class AccountDesk:
    """Places and cancels for the one account.

    Args:
        venue: The exchange.
        limits: Order counts are taken from it.
        ids: Makes client order ids for those who send none.
    """

    def __init__(self, venue: Venue, limits: RateLimits, ids: IdSource) -> None:
        self._venue = venue
        self._limits = limits
        self._ids = ids
        self._cancel_ids: dict[int, str] = {}
        self.received: list[Received] = []

    def new_client_id(self) -> str:
        """Return a client id for one who sent none."""
        return self._ids.hex32()[:22]

    def place(self, market: SymbolMarket, new: NewOrder, entry: Received) -> OrderRecord:
        """Place an order. Raises ``WireError``."""
        self._limits.spend_order()
        try:
            order = self._venue.place(new)
        except Refusal as refusal:
            raise refusal_error(refusal) from None
        entry.order_id = order.order_id
        entry.symbol = market.symbol
        return order

    def cancel(
        self, market: SymbolMarket, order_id: int, cancel_id: str | None
    ) -> tuple[OrderRecord, str]:
        """Cancel an open order; return it and the cancel's own id. Raises ``WireError``."""
        own_id = cancel_id or self.new_client_id()
        self._cancel_ids[order_id] = own_id
        try:
            return self._venue.cancel(market.symbol, order_id), own_id
        except Refusal as refusal:
            raise refusal_error(refusal) from None
        finally:
            del self._cancel_ids[order_id]

    def cancel_id_of(self, event: ExecutionEvent) -> str | None:
        """Return the id of the cancel that is being carried out for the event's order."""
        return self._cancel_ids.get(event.order.order_id)

    def refused(self, entry: Received, error: WireError) -> None:
        """Write down why an order was refused."""
        entry.error = error.body()

    def describe(self, entry: Received) -> dict[str, object]:
        """Return an entry for the admin interface, with what became of it."""
        params = entry.params
        order = None
        if entry.order_id is not None and entry.symbol is not None:
            order = self._venue.engine.find(entry.symbol, order_id=entry.order_id)
        return {
            "received_ns": entry.received_ns,
            "received_monotonic_ns": entry.received_monotonic_ns,
            "via": entry.via,
            "client_order_id": order.client_order_id if order else params.get("newClientOrderId"),
            "order_id": entry.order_id,
            "symbol": params.get("symbol"),
            "side": params.get("side"),
            "type": params.get("type"),
            "time_in_force": params.get("timeInForce"),
            "quantity": params.get("quantity"),
            "quote_quantity": params.get("quoteOrderQty"),
            "price": params.get("price"),
            "accepted": entry.order_id is not None,
            "status": STATUS[order.state] if order else None,
            "executed": str(order.executed) if order else "0",
            "error": entry.error,
        }
