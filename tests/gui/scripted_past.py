"""What a scripted engine has been through: orders, fills, strategies and log records."""

import time
from decimal import Decimal

from tests.gui.scripted_account import stamp
from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.scripted_health import BALANCE

_TALK: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("info", "engine", "engine_ready", {"port": 9100}),
    ("info", "market_data", "stream_connected", {"channel": "book", "symbol": "BTC/USDT"}),
    ("debug", "scheduler", "job_ran", {"job": "clock_sync", "ms": 3.1}),
    (
        "info",
        "order_gateway",
        "order_submitted",
        {"orderId": "9f31c6d2", "requestId": "55ab01fe", "side": "buy"},
    ),
    (
        "warning",
        "market_data",
        "stream_reconnected",
        {"channel": "trades", "after_ms": 812},
    ),
    (
        "error",
        "order_gateway",
        "order_rejected",
        {"orderId": "71be00aa", "code": -2010, "reason": "would trade at once"},
    ),
)


def populate(engine: ScriptedEngine) -> None:
    """Give ``engine`` a past: orders in every state, fills, strategies."""
    account, now = engine.account, time.time()
    for symbol, market in engine.markets.items():
        candles = market.candles[-110:-2]
        for at, candle in enumerate(candles[::7]):
            when = float(str(candle[0])) / 1_000 + 23
            side = "buy" if at % 2 == 0 else "sell"
            price = Decimal(str(candle[4]))
            origin = "strategy:grid" if at % 3 else "strategy:moving_average_cross"
            kind = "market" if at % 3 == 0 else "limit"
            order = account.order(symbol, side, price, at=when, origin=origin, type=kind)
            account.fill(order, price, when + 0.05)
    btc = Decimal(str(engine.markets["BTC/USDT"].candles[-1][4]))
    for gap in range(1, 5):
        account.order("BTC/USDT", "buy", btc - 60 * gap, at=now - 40 + gap, origin="strategy:grid")
    account.order(
        "BTC/USDT",
        "sell",
        btc + 90,
        at=now - 30,
        state="partially_filled",
        amount="0.02",
        filled="0.0075",
        average=str(btc + 90),
    )
    account.order(
        "ETH/USDT",
        "buy",
        Decimal("2671.2"),
        at=now - 25,
        state="unresolved",
        reason="no answer from the exchange within 10 s; looking it up",
        latency_ms=10_000.0,
    )
    account.order(
        "BTC/USDT",
        "sell",
        btc + 1,
        at=now - 20,
        state="rejected",
        type="limit_maker",
        reason="would trade at once (code -2010)",
    )
    account.order(
        "SOL/USDT",
        "buy",
        Decimal("154.2"),
        at=now - 15,
        state="denied",
        amount="900",
        reason="order value 138,780 USDT is above the limit of 50,000 USDT",
        latency_ms=0.3,
    )
    account.order("BTC/USDT", "buy", btc - 400, at=now - 9, state="canceled")
    base = {"params": {}, "defaults": {"amount": "0.01"}, "error": None, "origin": "built in"}
    engine.strategies = [
        {
            **base,
            "name": "moving_average_cross",
            "state": "running",
            "symbol": "BTC/USDT",
            "orders": 41,
            "fills": 38,
        },
        {
            **base,
            "name": "grid",
            "state": "running",
            "symbol": "BTC/USDT",
            "orders": 212,
            "fills": 190,
        },
        {
            **base,
            "name": "mean_reversion",
            "state": "failed",
            "symbol": "ETH/USDT",
            "orders": 3,
            "fills": 2,
            "error": "ZeroDivisionError in on_candle (mean_reversion.py:48)",
            "origin": "your folder",
        },
    ]


def fall_ill(engine: ScriptedEngine) -> None:
    """Open a breaker, give up on orders, and let a reconciliation find differences."""
    account, health = engine.account, engine.health
    health.open_s = 83.0
    order = account.order("BTC/USDT", "sell", Decimal(61_840), state="rejected")
    health.letter("place_order", order)
    health.letter("cancel_order", account.order("ETH/USDT", "buy", Decimal("2671.2")))
    health.compared("mismatch", BALANCE)


def chatter(engine: ScriptedEngine) -> None:
    """Log some records."""
    now = time.time()
    for at, (level, logger, event, fields) in enumerate(_TALK):
        engine.tell(
            "log",
            {"ts": stamp(now - 6 + at), "level": level, "logger": logger, "event": event, **fields},
        )
