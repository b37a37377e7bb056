"""Reading a new order: what Binance demands and forbids, type by type."""

from collections.abc import Mapping
from decimal import Decimal

from cryptobot.domain.order import OrderType, Side, TimeInForce
from cryptobot.matching.records import NewOrder
from cryptobot.simulator.params import Params
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.wire.listing_shapes import SELF_TRADE_PREVENTION
from cryptobot.simulator.wire_error import WireError, mandatory, unneeded

KNOWN = frozenset(
    {
        "symbol",
        "side",
        "type",
        "timeInForce",
        "quantity",
        "quoteOrderQty",
        "price",
        "newClientOrderId",
        "newOrderRespType",
        "selfTradePreventionMode",
        "strategyId",
        "strategyType",
        "stopPrice",
        "trailingDelta",
        "icebergQty",
    }
)
_TYPES: Mapping[str, OrderType] = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT_MAKER,
    "MARKET": OrderType.MARKET,
}
_UNLISTED: Mapping[str, str] = {
    "STOP_LOSS": "Stop loss orders are not supported for this symbol.",
    "STOP_LOSS_LIMIT": "Stop loss limit orders are not supported for this symbol.",
    "TAKE_PROFIT": "Take profit orders are not supported for this symbol.",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders are not supported for this symbol.",
}
"""Types that exist at Binance but that no symbol here lists: refused with Binance's words."""

_SIDES: Mapping[str, Side] = {"BUY": Side.BUY, "SELL": Side.SELL}
_FORBIDDEN: Mapping[OrderType, tuple[str, ...]] = {
    OrderType.LIMIT: ("quoteOrderQty", "stopPrice", "trailingDelta"),
    OrderType.LIMIT_MAKER: ("quoteOrderQty", "stopPrice", "trailingDelta", "timeInForce"),
    OrderType.MARKET: ("price", "stopPrice", "trailingDelta", "timeInForce", "icebergQty"),
}
RESPONSES = ("ACK", "RESULT", "FULL")


def response_type(params: Params) -> str:
    """Return ACK, RESULT or FULL; FULL when nothing was asked, as for LIMIT and MARKET."""
    wanted = params.text("newOrderRespType")
    if wanted is None:
        return "ACK" if params.text("type") == "LIMIT_MAKER" else "FULL"
    if wanted not in RESPONSES:
        raise WireError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return wanted


def read_new_order(params: Params, market: SymbolMarket, client_order_id: str) -> NewOrder:
    """Return the order that the parameters describe. Raises ``WireError``."""
    side = _SIDES.get(params.required("side"))
    if side is None:
        raise WireError(-1117, "Invalid side.")
    kind = _type(params)
    _check_extras(params, kind)
    quantity, quote = _amounts(params, kind)
    return NewOrder(
        symbol=market.symbol,
        side=side,
        type=kind,
        amount=quantity,
        price=_price(params, kind),
        time_in_force=_time_in_force(params, kind),
        client_order_id=client_order_id,
        quote_amount=quote,
    )


def _type(params: Params) -> OrderType:
    text = params.required("type")
    if text in _UNLISTED:
        raise WireError(-2010, _UNLISTED[text])
    kind = _TYPES.get(text)
    if kind is None:
        raise WireError(-1116, "Invalid orderType.")
    return kind


def _check_extras(params: Params, kind: OrderType) -> None:
    for name in _FORBIDDEN[kind]:
        if params.has(name):
            raise unneeded(name)
    if params.has("icebergQty"):
        raise WireError(-2010, "Iceberg orders are not supported for this symbol.")
    mode = params.text("selfTradePreventionMode")
    if mode not in {None, SELF_TRADE_PREVENTION}:
        raise WireError(
            -1013, "This symbol does not allow the specified self-trade prevention mode."
        )


def _amounts(params: Params, kind: OrderType) -> tuple[Decimal | None, Decimal | None]:
    quantity, quote = params.decimal("quantity"), params.decimal("quoteOrderQty")
    if kind is not OrderType.MARKET and quantity is None:
        raise mandatory("quantity")
    if quantity is None and quote is None:
        raise WireError(
            -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"
        )
    if quantity is not None and quote is not None:
        raise WireError(-1128, "Combination of optional parameters invalid.")
    if quantity == 0:
        raise WireError(-1013, "Invalid quantity.")
    if quote == 0:
        raise WireError(-1013, "Invalid quote order qty.")
    return quantity, quote


def _price(params: Params, kind: OrderType) -> Decimal | None:
    price = params.decimal("price")
    if kind is not OrderType.MARKET and price is None:
        raise mandatory("price")
    if price == 0:
        raise WireError(-1013, "Invalid price.")
    return price


def _time_in_force(params: Params, kind: OrderType) -> TimeInForce:
    if kind is not OrderType.LIMIT:
        return TimeInForce.GTC
    text = params.required("timeInForce")
    if text not in TimeInForce.__members__:
        raise WireError(-1115, "Invalid timeInForce.")
    return TimeInForce(text)
