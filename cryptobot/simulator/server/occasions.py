"""What is known of a request at the moment something may go wrong with it."""

from collections.abc import Mapping

from cryptobot.domain.order import Side
from cryptobot.matching.records import OrderRecord
from cryptobot.simulator.faults.occasion import Channel, Moment, Occasion
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.operations.names import OperationName

_SIDE: Mapping[Side, str] = {Side.BUY: "BUY", Side.SELL: "SELL"}


def asked(
    exchange: Exchange,
    channel: Channel,
    operation: OperationName | None,
    values: Mapping[str, str],
    *,
    method: str,
    path: str | None = None,
) -> Occasion:
    """Return the occasion of a request; what it does not say of its order is looked up."""
    symbol, side = values.get("symbol"), values.get("side")
    client_id = values.get("newClientOrderId") if side else None
    if client_id is None:
        client_id = values.get("origClientOrderId") or values.get("cancelOrigClientOrderId")
    if side is None or client_id is None:
        order = _named(exchange, symbol, client_id, values)
        if order is not None:
            side, client_id = side or _SIDE[order.side], client_id or order.client_order_id
    return Occasion(
        Moment.REQUEST,
        channel,
        operation=operation,
        method=method,
        path=path,
        symbol=symbol,
        side=side,
        client_order_id=client_id,
    )


def _named(
    exchange: Exchange, symbol: str | None, client_id: str | None, values: Mapping[str, str]
) -> OrderRecord | None:
    market = exchange.venue.markets.get(symbol or "")
    if market is None:
        return None
    number = values.get("orderId") or values.get("cancelOrderId") or ""
    return exchange.venue.engine.find(
        market.symbol,
        order_id=int(number) if number.isdecimal() else None,
        client_order_id=client_id,
    )
