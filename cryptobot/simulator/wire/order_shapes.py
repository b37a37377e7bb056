"""Orders, trades and the account, as REST and ws-api answer them."""

from collections.abc import Mapping
from decimal import Decimal

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import OrderState, OrderType, Side
from cryptobot.matching.ledger import Holding
from cryptobot.matching.records import FeeSchedule, OrderRecord, TradeRecord
from cryptobot.matching.trigger import TriggerKind
from cryptobot.simulator.wire.listing_shapes import SELF_TRADE_PREVENTION
from cryptobot.simulator.wire.numbers import ZERO8, eight

STATUS: Mapping[OrderState, str] = {
    OrderState.ACCEPTED: "NEW",
    OrderState.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELED: "CANCELED",
    OrderState.EXPIRED: "EXPIRED",
    OrderState.REJECTED: "REJECTED",
}
SIDE: Mapping[Side, str] = {Side.BUY: "BUY", Side.SELL: "SELL"}
_TYPE: Mapping[tuple[OrderType, TriggerKind | None], str] = {
    (OrderType.LIMIT, None): "LIMIT",
    (OrderType.LIMIT_MAKER, None): "LIMIT_MAKER",
    (OrderType.MARKET, None): "MARKET",
    (OrderType.MARKET, TriggerKind.STOP_LOSS): "STOP_LOSS",
    (OrderType.LIMIT, TriggerKind.STOP_LOSS): "STOP_LOSS_LIMIT",
    (OrderType.MARKET, TriggerKind.TAKE_PROFIT): "TAKE_PROFIT",
    (OrderType.LIMIT, TriggerKind.TAKE_PROFIT): "TAKE_PROFIT_LIMIT",
}
_NOT_WORKING = -1


def type_of(order: OrderRecord) -> str:
    """Return the order's type word."""
    return _TYPE[order.type, None if order.trigger is None else order.trigger.kind]


def stop_price(order: OrderRecord) -> Decimal:
    """Return the price of the order's trigger, 0 without one."""
    return ZERO if order.trigger is None else order.trigger.price


def _working_ms(order: OrderRecord) -> int:
    return _NOT_WORKING if order.working_ns is None else order.working_ns // NS_PER_MS


def status(order: OrderRecord) -> str:
    """Return the order's status word."""
    if order.reason == "self_trade":
        return "EXPIRED_IN_MATCH"
    return STATUS[order.state]


def _terms(order: OrderRecord) -> dict[str, object]:
    """Return the part that every answer about an order has, in Binance's order."""
    return {
        "price": eight(order.price or ZERO),
        "origQty": eight(order.amount),
        "executedQty": eight(order.executed),
        "origQuoteOrderQty": eight(order.quote_amount or ZERO),
        "cummulativeQuoteQty": eight(order.cost),
        "status": status(order),
        "timeInForce": str(order.time_in_force),
        "type": type_of(order),
        "side": SIDE[order.side],
    }


def _trigger(order: OrderRecord) -> dict[str, object]:
    """Return what only orders with a trigger show in answers."""
    return {} if order.trigger is None else {"stopPrice": eight(order.trigger.price)}


def placed_ack(wire: str, order: OrderRecord) -> dict[str, object]:
    """Return the ACK answer to a new order."""
    return {
        "symbol": wire,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_ns // NS_PER_MS,
    }


def placed_result(wire: str, order: OrderRecord) -> dict[str, object]:
    """Return the RESULT answer to a new order."""
    return {
        **placed_ack(wire, order),
        **_terms(order),
        **_trigger(order),
        "workingTime": _working_ms(order),
        "selfTradePreventionMode": SELF_TRADE_PREVENTION,
    }


def placed_full(wire: str, order: OrderRecord) -> dict[str, object]:
    """Return the FULL answer to a new order."""
    return {
        **placed_result(wire, order),
        "fills": [
            {
                "price": eight(fill.price),
                "qty": eight(fill.amount),
                "commission": eight(fill.commission),
                "commissionAsset": fill.commission_asset,
                "tradeId": fill.trade_id,
            }
            for fill in order.fills
        ],
    }


def canceled(wire: str, order: OrderRecord, cancel_id: str) -> dict[str, object]:
    """Return the answer to a cancel: ``clientOrderId`` is the cancel's own."""
    return {
        "symbol": wire,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": order.updated_ns // NS_PER_MS,
        **_terms(order),
        **_trigger(order),
        "selfTradePreventionMode": SELF_TRADE_PREVENTION,
    }


def queried(wire: str, order: OrderRecord) -> dict[str, object]:
    """Return an order as queries show it."""
    return {
        "symbol": wire,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        **_terms(order),
        "stopPrice": eight(stop_price(order)),
        "icebergQty": ZERO8,
        "time": order.created_ns // NS_PER_MS,
        "updateTime": order.updated_ns // NS_PER_MS,
        "isWorking": order.working_ns is not None,
        "workingTime": _working_ms(order),
        "selfTradePreventionMode": SELF_TRADE_PREVENTION,
    }


def test_commissions(fees: FeeSchedule) -> dict[str, object]:
    """Return what a test order answers to ``computeCommissionRates``."""
    none = {"maker": ZERO8, "taker": ZERO8}
    return {
        "standardCommissionForOrder": {"maker": eight(fees.maker), "taker": eight(fees.taker)},
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": ZERO8,
        },
    }


def own_trade(wire: str, fill: TradeRecord) -> dict[str, object]:
    """Return one of the account's trades."""
    return {
        "symbol": wire,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": eight(fill.price),
        "qty": eight(fill.amount),
        "quoteQty": eight(fill.cost),
        "commission": eight(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.at_ns // NS_PER_MS,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def account(
    balances: Mapping[str, Holding], fees: FeeSchedule, updated_ms: int, *, omit_zero: bool
) -> dict[str, object]:
    """Return the account."""
    return {
        "makerCommission": int(fees.maker * 10_000),
        "takerCommission": int(fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": eight(fees.maker),
            "taker": eight(fees.taker),
            "buyer": ZERO8,
            "seller": ZERO8,
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": updated_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": eight(held.free), "locked": eight(held.locked)}
            for asset, held in sorted(balances.items())
            if not omit_zero or held.free or held.locked
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }
