"""The account: balances, its trades, its fees."""

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.simulator.operations.context import Call, Operation, Security
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.wire import order_shapes
from cryptobot.simulator.wire.numbers import eight
from cryptobot.simulator.wire_error import WireError

_MAX_ROWS = 1_000


def _account(call: Call) -> object:
    venue = call.exchange.venue
    return order_shapes.account(
        call.account.balances(),
        venue.fees,
        venue.clock.now_ms(),
        omit_zero=bool(call.params.flag("omitZeroBalances")),
    )


def _my_trades(call: Call) -> object:
    params = call.params
    market = call.exchange.market(params.symbol())
    since, until = params.integer("startTime"), params.integer("endTime")
    first, order_id = params.integer("fromId"), params.integer("orderId")
    if first is not None and (since is not None or until is not None):
        raise WireError(-1128, "Combination of optional parameters invalid.")
    chosen = [
        fill
        for fill in call.account.trades(market.symbol)
        if (first is None or fill.trade_id >= first)
        and (order_id is None or fill.order_id == order_id)
        and (since is None or fill.at_ns // NS_PER_MS >= since)
        and (until is None or fill.at_ns // NS_PER_MS <= until)
    ]
    limit = params.limit(500, _MAX_ROWS)
    forward = first is not None or since is not None
    chosen = chosen[:limit] if forward else chosen[-limit:]
    return [order_shapes.own_trade(market.wire, fill) for fill in chosen]


def _trade_fee(call: Call) -> object:
    venue = call.exchange.venue
    markets = (
        [call.exchange.market(call.params.symbol())]
        if call.params.has("symbol")
        else list(venue.markets.values())
    )
    return [
        {
            "symbol": market.wire,
            "makerCommission": eight(venue.fees.maker),
            "takerCommission": eight(venue.fees.taker),
        }
        for market in markets
    ]


def _order_count(call: Call) -> object:
    return call.exchange.limits.order_usage()


ACCOUNT = Operation(
    OperationName.ACCOUNT,
    _account,
    frozenset({"omitZeroBalances"}),
    weight=20,
    security=Security.SIGNED,
)
MY_TRADES = Operation(
    OperationName.MY_TRADES,
    _my_trades,
    frozenset({"symbol", "orderId", "startTime", "endTime", "fromId", "limit"}),
    weight=20,
    security=Security.SIGNED,
)
TRADE_FEE = Operation(
    OperationName.TRADE_FEE, _trade_fee, frozenset({"symbol"}), security=Security.SIGNED
)
ORDER_COUNT = Operation(
    OperationName.ORDER_COUNT, _order_count, weight=40, security=Security.SIGNED
)
