"""Orders and fills to write."""

from dataclasses import replace
from decimal import Decimal
from itertools import count

from cryptobot.domain.ids import client_order_id
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import (
    Fill,
    Liquidity,
    Order,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)

T0 = 1_700_000_000_000_000_000
_numbers = count(1)


def an_order(**changes: object) -> Order:
    order_id = f"{next(_numbers):032x}"[::-1]
    order = Order(
        order_id=order_id,
        request_id="f" * 32,
        client_order_id=client_order_id(order_id),
        symbol="BTC/USDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        amount=Decimal("0.5"),
        price=Decimal("60000.10"),
        time_in_force=TimeInForce.GTC,
        origin="manual",
        mode=Mode.LIVE,
        state=OrderState.SUBMITTED,
        created_ns=T0,
        updated_ns=T0,
    )
    return replace(order, **changes)  # type: ignore[arg-type]


def a_fill(trade_id: str = "1", **changes: object) -> Fill:
    fill = Fill(
        trade_id=trade_id,
        exchange_order_id="77",
        client_order_id=None,
        symbol="BTC/USDT",
        side=Side.BUY,
        price=Decimal("60000.10"),
        amount=Decimal("0.1"),
        fee=Decimal("0.0001"),
        fee_currency="BNB",
        liquidity=Liquidity.TAKER,
        at_ns=T0 + 5,
    )
    return replace(fill, **changes)  # type: ignore[arg-type]
