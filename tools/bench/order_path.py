"""The order path as the engine composes it, in this process, without the rest of the engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp

from bench.processes import KEY, SECRET, Simulator
from cryptobot.control.protocol import FENCE_NAME
from cryptobot.domain.clock import SystemClock
from cryptobot.domain.ids import IdSource
from cryptobot.domain.mode import Mode, TradingState
from cryptobot.engine import jobs
from cryptobot.engine.metrics_feed import CHANNELS, MetricsFeed
from cryptobot.engine.process import ORDER_LOGGERS
from cryptobot.journal.journal import Journal
from cryptobot.trading.ccxt_order_socket import CHANNEL as ORDER_ENTRY
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.fence import Fence
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.portfolio import Portfolio
from cryptobot.trading.risk import Risk, RiskLimits
from telemetry.logs.setup import configure_logging
from telemetry.metrics import Metrics
from telemetry.redaction import Redactor

_T = TypeVar("_T")

SYMBOL: Final = "BTC/USDT"
_MANY: Final = 1_000_000
_LIMITS: Final = RiskLimits(Decimal(_MANY), Decimal(_MANY), _MANY, _MANY)


def run_on_loop(make: Callable[[], Awaitable[_T]]) -> _T:
    """Run on the kind of loop that the engine runs on."""

    async def main() -> _T:
        return await make()

    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.run(main())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def config(venue: Simulator, *, by_websocket: bool = False) -> ExchangeConfig:
    """Return how to reach the simulator through production URLs."""
    return ExchangeConfig(
        id="binance",
        api_key=KEY,
        secret=SECRET,
        connect_to=("127.0.0.1", venue.tls_port),
        tls_ca=venue.ca,
        order_by_websocket=by_websocket,
    )


@dataclass(frozen=True, slots=True)
class OrderPath:
    """What the engine would have built."""

    client: ExchangeClient
    gateway: OrderGateway
    journal: Journal


@asynccontextmanager
async def order_path(
    venue: Simulator, folder: Path, *, by_websocket: bool = False
) -> AsyncIterator[OrderPath]:
    """Build the order path on a durable journal in ``folder``, with logs and metrics on."""
    clock = SystemClock()
    redactor = Redactor()
    for secret in (KEY, SECRET):
        redactor.add(secret)
    metrics = Metrics(exchanges=("binance",), symbols=(SYMBOL,), channels=CHANNELS, jobs=jobs.NAMES)
    async with AsyncExitStack() as stack:
        logging = configure_logging(
            folder / "logs", redactor=redactor, metrics=metrics, order_loggers=ORDER_LOGGERS
        )
        stack.callback(logging.close)
        feed = MetricsFeed(metrics, "binance", clock)
        up = asyncio.Event()

        def on_stream(channel: str, symbol: str | None, event: str, reason: str | None) -> None:
            feed.on_stream(channel, symbol, event, reason)
            if (channel, event) == (ORDER_ENTRY, "connected"):
                up.set()

        client = ExchangeClient(
            config(venue, by_websocket=by_websocket),
            clock,
            on_request=feed.on_request,
            on_stream=on_stream,
        )
        stack.push_async_callback(client.close)
        await client.connect()
        if by_websocket:
            await up.wait()
        journal = Journal.open(f"sqlite:///{folder / 'cryptobot.db'}", clock=clock)
        await stack.enter_async_context(journal)
        orders = OrderJournal(journal, "binance")
        orders.listen(feed.on_recorded)
        tracker = OrderTracker(clock, orders.change)
        price = (await client.book(SYMBOL)).mid
        portfolio = Portfolio(lambda _: price)
        tracker.listen(portfolio.on_order)
        gateway = OrderGateway(
            venues={Mode.LIVE: client},
            tracker=tracker,
            journal=orders,
            fence=Fence(folder / FENCE_NAME, lambda: Mode.LIVE),
            risk={Mode.LIVE: Risk(_LIMITS, clock)},
            account=portfolio,
            clock=clock,
            ids=IdSource(),
            mode=lambda: Mode.LIVE,
            trading_state=lambda: TradingState.ACTIVE,
            on_unresolved=_unresolved,
            on_denied=metrics.orders.denied,
            on_stage=partial(metrics.orders.stage, "binance"),
        )
        stack.push_async_callback(orders.drain)
        yield OrderPath(client, gateway, journal)


def _unresolved(order: object) -> None:
    raise RuntimeError(f"an order's outcome is unknown: {order}")


@asynccontextmanager
async def bare_ccxt(venue: Simulator, kind: str = "ccxt.async_support") -> AsyncIterator[Any]:
    """Give ccxt's own class with its own limiter and a plain session, to the same place."""
    module = await asyncio.to_thread(__import__, kind, fromlist=["binance"])
    maker = ExchangeClient(config(venue), SystemClock())
    instance = maker._instance(module.binance, gated=False)  # noqa: SLF001 - the same options by construction
    connector = maker._sessions[-1].connector  # noqa: SLF001 - as above
    instance.session = aiohttp.ClientSession(connector=connector, connector_owner=False)
    instance.init_throttler()
    del instance.load_markets  # ours
    try:
        await instance.load_markets()
        yield instance
    finally:
        await instance.session.close()
        await instance.close()
        await maker.close()
