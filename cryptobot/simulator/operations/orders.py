"""The account's orders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.order import OrderState
from cryptobot.matching.filters import check_order
from cryptobot.matching.records import OrderRecord
from cryptobot.matching.refusal import Refusal
from cryptobot.simulator.account_history import AccountView
from cryptobot.simulator.operations.context import Call, Operation, Security
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.operations.new_order import KNOWN, read_new_order, response_type
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.wire import order_shapes
from cryptobot.simulator.wire_error import WireError, refusal_error

_MAX_ROWS = 1_000
_RESPONSES: Mapping[str, Callable[[str, OrderRecord], dict[str, object]]] = {
    "ACK": order_shapes.placed_ack,
    "RESULT": order_shapes.placed_result,
    "FULL": order_shapes.placed_full,
}


def placed(call: Call) -> object:
    """Place the order that the call describes; return the answer. Raises ``WireError``."""
    if call.entry is None:
        raise ValueError("a placing call needs its line in the order log")
    desk = call.exchange.desk
    market = call.exchange.market(call.params.symbol())
    answer = _RESPONSES[response_type(call.params)]
    client_id = call.params.client_id("newClientOrderId") or desk.new_client_id()
    new = read_new_order(call.params, market, client_id)
    order = desk.place(market, new, call.entry)
    return answer(market.wire, order)


def check_new(call: Call) -> None:
    """Refuse a new order that is malformed or breaks a filter. Raises ``WireError``."""
    market = call.exchange.market(call.params.symbol())
    response_type(call.params)
    client_id = call.params.client_id("newClientOrderId") or "test"
    new = read_new_order(call.params, market, client_id)
    listing = market.listing
    try:
        check_order(
            new,
            listing.instrument,
            listing.filters,
            call.exchange.venue.engine.last_price(market.symbol),
        )
    except Refusal as refusal:
        raise refusal_error(refusal) from None


def _test(call: Call) -> object:
    check_new(call)
    if not call.params.flag("computeCommissionRates"):
        return {}
    return order_shapes.test_commissions(call.exchange.venue.fees)


@dataclass(frozen=True, slots=True)
class Naming:
    """The parameters by which a request names an order, by the exchange's id or the owner's."""

    order_id: str = "orderId"
    client_order_id: str = "origClientOrderId"


_CANCELED = Naming()


def _named(
    call: Call, names: Naming, account: AccountView, *, missing: WireError
) -> tuple[SymbolMarket, OrderRecord]:
    params = call.params
    market = call.exchange.market(params.symbol())
    order_id, client_id = params.integer(names.order_id), params.text(names.client_order_id)
    if order_id is None and client_id is None:
        raise WireError(
            -1102,
            f"Param '{names.client_order_id}' or '{names.order_id}' must be sent, "
            "but both were empty/null!",
        )
    order = account.find(market.symbol, order_id=order_id, client_order_id=client_id)
    if order is None or (client_id is not None and order.client_order_id != client_id):
        raise missing
    return market, order


def _query(call: Call) -> object:
    market, order = _named(
        call, Naming(), call.account, missing=WireError(-2013, "Order does not exist.")
    )
    return order_shapes.queried(market.wire, order)


def _cancel(call: Call) -> object:
    return canceled(call, _CANCELED, call.params.client_id("newClientOrderId"))


def canceled(call: Call, names: Naming, cancel_id: str | None) -> dict[str, object]:
    """Cancel the order that the call names; return the answer.

    Args:
        call: The request.
        names: Its parameters that name the order.
        cancel_id: The cancel's own id, if one was sent.

    Raises:
        WireError: -2011 and others.
    """
    live = call.exchange.history.view()  # a cancel is never too late to see
    market, order = _named(call, names, live, missing=WireError(-2011, "Unknown order sent."))
    restriction = call.params.text("cancelRestrictions")
    wanted = {
        None: None,
        "ONLY_NEW": OrderState.ACCEPTED,
        "ONLY_PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    }
    if restriction not in wanted:
        raise WireError(-1130, "Data sent for parameter 'cancelRestrictions' is not valid.")
    if restriction is not None and order.is_open and order.state is not wanted[restriction]:
        raise WireError(
            -2011,
            "Order was not canceled due to cancel restrictions.",
        )
    after, own_id = call.exchange.desk.cancel(market, order.order_id, cancel_id)
    return order_shapes.canceled(market.wire, after, own_id)


def _cancel_open(call: Call) -> object:
    market = call.exchange.market(call.params.symbol())
    orders = call.exchange.venue.engine.open_orders(market.symbol)
    if not orders:
        raise WireError(-2011, "Unknown order sent.")
    cancel_id = call.exchange.desk.new_client_id()
    return [
        order_shapes.canceled(
            market.wire, *call.exchange.desk.cancel(market, order.order_id, cancel_id)
        )
        for order in orders
    ]


def _open(call: Call) -> object:
    venue = call.exchange.venue
    if not call.params.has("symbol"):
        wires = {market.symbol: market.wire for market in venue.markets.values()}
        return [
            order_shapes.queried(wires[order.symbol], order) for order in call.account.open_orders()
        ]
    market = call.exchange.market(call.params.symbol())
    return [
        order_shapes.queried(market.wire, order)
        for order in call.account.open_orders(market.symbol)
    ]


def _all(call: Call) -> object:
    params = call.params
    market = call.exchange.market(params.symbol())
    first, since, until = (
        params.integer("orderId"),
        params.integer("startTime"),
        params.integer("endTime"),
    )
    chosen: Sequence[OrderRecord] = [
        order
        for order in call.account.orders(market.symbol)
        if (first is None or order.order_id >= first)
        and (since is None or order.created_ns // NS_PER_MS >= since)
        and (until is None or order.created_ns // NS_PER_MS <= until)
    ]
    limit = params.limit(500, _MAX_ROWS)
    forward = first is not None or since is not None
    chosen = chosen[:limit] if forward else chosen[-limit:]
    return [order_shapes.queried(market.wire, order) for order in chosen]


_NAMING = frozenset({"symbol", "orderId", "origClientOrderId"})

PLACE = Operation(
    OperationName.PLACE_ORDER,
    placed,
    KNOWN,
    security=Security.SIGNED,
    counts_orders=True,
    places=True,
)
TEST = Operation(
    OperationName.TEST_ORDER, _test, KNOWN | {"computeCommissionRates"}, security=Security.SIGNED
)
QUERY = Operation(OperationName.QUERY_ORDER, _query, _NAMING, weight=4, security=Security.SIGNED)
CANCEL = Operation(
    OperationName.CANCEL_ORDER,
    _cancel,
    _NAMING | {"newClientOrderId", "cancelRestrictions"},
    security=Security.SIGNED,
)
CANCEL_OPEN = Operation(
    OperationName.CANCEL_OPEN_ORDERS, _cancel_open, frozenset({"symbol"}), security=Security.SIGNED
)
OPEN = Operation(
    OperationName.OPEN_ORDERS,
    _open,
    frozenset({"symbol"}),
    weight=lambda params: 6 if params.has("symbol") else 80,
    security=Security.SIGNED,
)
ALL = Operation(
    OperationName.ALL_ORDERS,
    _all,
    frozenset({"symbol", "orderId", "startTime", "endTime", "limit"}),
    weight=20,
    security=Security.SIGNED,
)
