"""Market events to a strategy through the whole pipeline, against ccxt.pro's bare watch loops."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, ClassVar, Final

from bench.order_path import bare_ccxt, config, run_on_loop
from bench.processes import Simulator, simulator
from bench.result import Bench, Result
from cryptobot.domain.clock import SystemClock
from cryptobot.domain.market import Book, Candle
from cryptobot.domain.order import Order, OrderIntent
from cryptobot.strategies.runner import StrategyRunner
from cryptobot.strategies.strategy import Action, ParamValue, Strategy
from cryptobot.trading.exchange_client import ExchangeClient
from cryptobot.trading.market_data import MarketData

SYMBOLS: Final = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
TIMEFRAME: Final = "1m"
SPEED: Final = "5"
"""Faster than any real market of three symbols; the simulator must not be what limits."""
SETTLE_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class _Phase:
    """What one side did in one turn.

    Attributes:
        messages: Came in by websocket.
        delivered: Reached the end: a strategy, or the loop around ccxt's call.
    """

    messages: int
    delivered: int
    cpu_s: float
    wall_s: float


class _Counter(Strategy):
    """Counts what a strategy is told."""

    name = "counter"
    defaults: ClassVar[Mapping[str, ParamValue]] = {"symbol": SYMBOLS[0], "amount": "0.001"}
    told = 0

    def on_book(self, book: Book) -> Iterator[Action]:  # noqa: ARG002 - counted unseen
        """Count."""
        _Counter.told += 1
        return iter(())

    def on_candle(self, candle: Candle) -> Iterator[Action]:  # noqa: ARG002 - as above
        """Count."""
        _Counter.told += 1
        return iter(())


class _NoOrders:
    """An order path for a strategy that wants nothing."""

    async def place(self, intent: OrderIntent) -> Order:
        """Refuse."""
        raise RuntimeError(f"not wanted: {intent}")

    async def cancel(self, order_id: str) -> Order:
        """Refuse."""
        raise RuntimeError(f"not wanted: {order_id}")


def run(bench: Bench) -> list[Result]:
    """Let both sides watch the same fast market in turns."""
    return run_on_loop(lambda: _measure(bench))


async def _measure(bench: Bench) -> list[Result]:
    seconds = bench.times(8, 3)
    ours: list[_Phase] = []
    theirs: list[_Phase] = []
    with simulator(bench.folder("market"), "--speed", SPEED) as venue:
        for turn in range(bench.times(5, 1)):
            ours.append(await _phase(_pipeline(venue), seconds))
            theirs.append(await _phase(_bare(venue), seconds))
            bench.say(
                f"turn {turn + 1}: {_rate(ours[-1]):,.0f} and {_rate(theirs[-1]):,.0f} messages a "
                "second of CPU"
            )
    against = "bare ccxt.pro watch loops"
    return [
        _result("market_events.per_cpu_second", ours, theirs, _rate, against),
        _result("market_events.delivered", ours, theirs, _delivered, against),
    ]


def _result(
    name: str,
    ours: list[_Phase],
    theirs: list[_Phase],
    of: Callable[[_Phase], float],
    against: str,
) -> Result:
    return Result(name, median(map(of, ours)), "1/s", median(map(of, theirs)), against)


def _delivered(phase: _Phase) -> float:
    return phase.delivered / phase.wall_s


def _rate(phase: _Phase) -> float:
    return phase.messages / phase.cpu_s


@dataclass(slots=True)
class _Watching:
    """A side at work: its ccxt instance, and how much has reached the end of its pipe."""

    ccxt: Any
    delivered: Callable[[], int]


async def _phase(side: contextlib.AbstractAsyncContextManager[_Watching], seconds: float) -> _Phase:
    async with side as watching:
        messages = 0
        handle = watching.ccxt.handle_message

        def counted(*args: Any) -> Any:
            nonlocal messages
            messages += 1
            return handle(*args)

        watching.ccxt.handle_message = counted
        for client in watching.ccxt.clients.values():
            client.on_message_callback = counted
        await asyncio.sleep(SETTLE_S)
        before, messages = watching.delivered(), 0
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        return _Phase(
            messages,
            watching.delivered() - before,
            time.process_time() - cpu,
            time.perf_counter() - wall,
        )


@contextlib.asynccontextmanager
async def _pipeline(venue: Simulator) -> AsyncIterator[_Watching]:
    clock = SystemClock()
    client = ExchangeClient(config(venue), clock)
    await client.connect()
    market = MarketData(client, SYMBOLS, TIMEFRAME, clock)
    kinds = {f"counter_{symbol}": _Counter for symbol in SYMBOLS}
    runner = StrategyRunner(
        kinds,
        _NoOrders(),
        instruments=client.instruments.get,
        history=lambda symbol: market.candles(symbol, 1500),
        open_orders=list,
        on_change=lambda: None,
    )
    market.listen(runner.on_market)
    for symbol in SYMBOLS:
        runner.start(f"counter_{symbol}", {"symbol": symbol, "amount": "0.001"})
    market.start()
    try:
        yield _Watching(client._reads, lambda: _Counter.told)  # noqa: SLF001 - counts the wire
    finally:
        await runner.close()
        await market.close()
        await client.close()


@contextlib.asynccontextmanager
async def _bare(venue: Simulator) -> AsyncIterator[_Watching]:
    delivered = 0

    async def loop(call: Callable[[], Awaitable[object]], step: int) -> None:
        nonlocal delivered
        while True:
            await call()
            delivered += step

    async with bare_ccxt(venue, "ccxt.pro") as ccxt:
        tasks = [
            asyncio.create_task(loop(partial(call, symbol, *args), step))
            for symbol in SYMBOLS
            for call, args, step in (
                (ccxt.watch_order_book, (), 1),
                (ccxt.watch_trades, (), 0),  # our strategies are told books and candles
                (ccxt.watch_ohlcv, (TIMEFRAME,), 1),
            )
        ]
        try:
            yield _Watching(ccxt, lambda: delivered)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def watch_for_ever(venue: Simulator) -> None:
    """Run the bare loops until the process is ended; ``watching`` is printed once they run."""

    async def watch() -> None:
        async with _bare(venue):
            print("watching", flush=True)
            await asyncio.Event().wait()

    run_on_loop(watch)
