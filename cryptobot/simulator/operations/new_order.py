"""Reading a new order: what Binance demands and forbids, type by type."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cryptobot.domain.order import OrderType, Side, TimeInForce
from cryptobot.matching.records import NewOrder
from cryptobot.matching.trigger import Trigger, TriggerKind
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
_STOP = frozenset({"quoteOrderQty"})
_NO_STOP = frozenset({"stopPrice", "trailingDelta"})


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What an order type is and which parameters it takes.

    Attributes:
        forbidden: Refused with -1106.
    """

    type: OrderType
    trigger: TriggerKind | None
    forbidden: frozenset[str]

    @property
    def has_price(self) -> bool:
        """Whether it has a limit."""
        return self.type is not OrderType.MARKET


_UNPRICED = frozenset({"price", "timeInForce", "icebergQty"})
TYPES: Mapping[str, OrderTerms] = {
    "LIMIT": OrderTerms(OrderType.LIMIT, None, _STOP | _NO_STOP),
    "LIMIT_MAKER": OrderTerms(OrderType.LIMIT_MAKER, None, _STOP | _NO_STOP | {"timeInForce"}),
    "MARKET": OrderTerms(OrderType.MARKET, None, _NO_STOP | _UNPRICED),
    "STOP_LOSS": OrderTerms(OrderType.MARKET, TriggerKind.STOP_LOSS, _STOP | _UNPRICED),
    "STOP_LOSS_LIMIT": OrderTerms(OrderType.LIMIT, TriggerKind.STOP_LOSS, _STOP),
    "TAKE_PROFIT": OrderTerms(OrderType.MARKET, TriggerKind.TAKE_PROFIT, _STOP | _UNPRICED),
    "TAKE_PROFIT_LIMIT": OrderTerms(OrderType.LIMIT, TriggerKind.TAKE_PROFIT, _STOP),
}
"""Source: the table "Additional mandatory parameters based on type" of Binance's rest-api.md."""

_SIDES: Mapping[str, Side] = {"BUY": Side.BUY, "SELL": Side.SELL}
RESPONSES = ("ACK", "RESULT", "FULL")


def response_type(params: Params) -> str:
    """Return ACK, RESULT or FULL; without a wish FULL for LIMIT and MARKET, else ACK."""
    wanted = params.text("newOrderRespType")
    if wanted is None:
        return "FULL" if params.text("type") in {"LIMIT", "MARKET"} else "ACK"
    if wanted not in RESPONSES:
        raise WireError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return wanted


def read_new_order(params: Params, market: SymbolMarket, client_order_id: str) -> NewOrder:
    """Return the order that the parameters describe. Raises ``WireError``."""
    side = _SIDES.get(params.required("side"))
    if side is None:
        raise WireError(-1117, "Invalid side.")
    terms = TYPES.get(params.required("type"))
    if terms is None:
        raise WireError(-1116, "Invalid orderType.")
    _check_extras(params, terms)
    quantity, quote = _amounts(params, terms)
    return NewOrder(
        symbol=market.symbol,
        side=side,
        type=terms.type,
        amount=quantity,
        price=_price(params, terms),
        time_in_force=_time_in_force(params, terms),
        client_order_id=client_order_id,
        quote_amount=quote,
        trigger=_trigger(params, terms),
    )


def _check_extras(params: Params, terms: OrderTerms) -> None:
    for name in sorted(terms.forbidden):
        if params.has(name):
            raise unneeded(name)
    if params.has("trailingDelta"):
        raise WireError(-2010, "Trailing stop orders are not supported for this symbol.")
    if params.has("icebergQty"):
        raise WireError(-2010, "Iceberg orders are not supported for this symbol.")
    mode = params.text("selfTradePreventionMode")
    if mode not in {None, SELF_TRADE_PREVENTION}:
        raise WireError(
            -1013, "This symbol does not allow the specified self-trade prevention mode."
        )


def _amounts(params: Params, terms: OrderTerms) -> tuple[Decimal | None, Decimal | None]:
    quantity, quote = params.decimal("quantity"), params.decimal("quoteOrderQty")
    takes_quote = "quoteOrderQty" not in terms.forbidden
    if not takes_quote and quantity is None:
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


def _price(params: Params, terms: OrderTerms) -> Decimal | None:
    price = params.decimal("price")
    if terms.has_price and price is None:
        raise mandatory("price")
    if price == 0:
        raise WireError(-1013, "Invalid price.")
    return price


def _trigger(params: Params, terms: OrderTerms) -> Trigger | None:
    if terms.trigger is None:
        return None
    price = params.decimal("stopPrice")
    if price is None:
        raise WireError(
            -1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"
        )
    if price == 0:
        raise WireError(-1013, "Invalid stopPrice.")
    return Trigger(terms.trigger, price)


def _time_in_force(params: Params, terms: OrderTerms) -> TimeInForce:
    if terms.type is not OrderType.LIMIT:
        return TimeInForce.GTC
    text = params.required("timeInForce")
    if text not in TimeInForce.__members__:
        raise WireError(-1115, "Invalid timeInForce.")
    return TimeInForce(text)
