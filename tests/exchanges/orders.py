"""Orders as the gateway asks for them."""

from decimal import Decimal

from cryptobot.domain.ids import client_order_id
from cryptobot.domain.order import OrderType, Side, TimeInForce
from cryptobot.trading.exchange import OrderRequest
from tests.exchanges.edge import SYMBOL

OWN_ID = client_order_id("0123456789abcdef" * 2)


class OpenPermit:
    """Lets an order through."""

    async def __call__(self) -> None:
        pass

    def check(self) -> None:
        pass


def order(
    type_: OrderType,
    side: Side,
    price: str | None = None,
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> OrderRequest:
    """Return a request for half a coin."""
    at = None if price is None else Decimal(price)
    return OrderRequest(OWN_ID, SYMBOL, side, type_, Decimal("0.5"), at, time_in_force)


LIMIT = order(OrderType.LIMIT, Side.BUY, "60000.25")
MARKET_BUY = order(OrderType.MARKET, Side.BUY)
MARKET_SELL = order(OrderType.MARKET, Side.SELL)
POST_ONLY = order(OrderType.LIMIT_MAKER, Side.SELL, "60000")
IMMEDIATE = order(OrderType.LIMIT, Side.SELL, "60000", TimeInForce.IOC)
FILL_OR_KILL = order(OrderType.LIMIT, Side.SELL, "60000", TimeInForce.FOK)
