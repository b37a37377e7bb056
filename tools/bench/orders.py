"""Order submission through the gateway, durable journal on, against bare ccxt.

By REST against ``create_order``; by websocket against that and against ccxt.pro's
``create_order_ws``, without limiters, one order at a time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from bench.order_path import SYMBOL, OrderPath, bare_ccxt, order_path, run_on_loop
from bench.processes import Simulator, simulator
from bench.result import Bench, Result, compared
from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderIntent, OrderState, OrderType, Side

AMOUNT: Final = Decimal("0.001")
CONCURRENT: Final = 8
AIMS: Final = (1.10, 1.25)
"""How often as long as bare ccxt the gateway may take, at p50 and p99."""
WARM_UP: Final = 20
PAUSE_S: Final = 0.06
"""Between any two calls, so that what the one side leaves behind (a commit, a log line) is done
before the other is measured."""

_Spans = list[list[float]]

Place = Callable[[], Awaitable[str]]
Cancel = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Side:
    """One way of placing and cancelling."""

    place: Place
    cancel: Cancel

    async def timed(self, at_once: int) -> list[float]:
        """Place orders, return how long each took in milliseconds, and cancel them."""
        spans: list[float] = []

        async def one() -> str:
            began = time.perf_counter_ns()
            placed = await self.place()
            spans.append((time.perf_counter_ns() - began) / 1e6)
            return placed

        placed = await asyncio.gather(*(one() for _ in range(at_once)))
        await asyncio.sleep(PAUSE_S)
        await asyncio.gather(*(self.cancel(order) for order in placed))
        await asyncio.sleep(PAUSE_S)
        return spans


def run(bench: Bench) -> list[Result]:
    """Measure one order at a time as configured, then without limiters, then eight at once."""
    return run_on_loop(lambda: _measure(bench))


async def _measure(bench: Bench) -> list[Result]:
    folder = bench.folder("orders")
    with simulator(folder) as venue:
        async with order_path(venue, folder) as path, bare_ccxt(venue) as ccxt:
            book = await path.client.book(SYMBOL)
            far = (book.bids[0].price / 2).quantize(Decimal(1), rounding=ROUND_DOWN)
            sides = (_ours(path, far), _theirs(ccxt, far))
            usual = await _in_turns(bench, sides, 1, bench.times(300, 30))
            # ccxt's own limiter delays orders by more than we do; without it nothing is hidden.
            for instance in (path.client._orders, ccxt):  # noqa: SLF001 - as said
                instance.enableRateLimit = False
            one = await _in_turns(bench, sides, 1, bench.times(300, 30))
            eight = await _in_turns(bench, sides, CONCURRENT, bench.times(80, 8))
        websocket = await _by_websocket(bench, venue, far)
    default, bare = "ccxt create_order, default limiter", "ccxt create_order, no limiter either"
    return [
        *compared("orders.as_configured", "ms", usual[0], usual[1], default, aims=AIMS),
        *compared("orders.sequential", "ms", one[0], one[1], bare, aims=AIMS),
        *compared("orders.concurrent_8", "ms", eight[0], eight[1], bare, aims=AIMS),
        *websocket,
    ]


async def _by_websocket(bench: Bench, venue: Simulator, price: Decimal) -> list[Result]:
    folder = bench.folder("orders-websocket")
    async with (
        order_path(venue, folder, by_websocket=True) as path,
        bare_ccxt(venue) as rest,
        bare_ccxt(venue, "ccxt.pro") as pro,
    ):
        for instance in (path.client._orders, rest, pro):  # noqa: SLF001 - as above
            instance.enableRateLimit = False
        sides = (
            _ours(path, price),
            _theirs(rest, price),
            _theirs(pro, price, pro.create_order_ws),
        )
        ours, by_rest, by_websocket = await _in_turns(bench, sides, 1, bench.times(300, 30))
    bare = "no limiter either"
    return [
        *compared(
            "orders.websocket_to_rest", "ms", ours, by_rest,
            f"ccxt create_order, {bare}", aims=AIMS,
        ),
        *compared(
            "orders.websocket_to_websocket", "ms", ours, by_websocket,
            f"ccxt.pro create_order_ws, {bare}", aims=AIMS,
        ),
    ]  # fmt: skip


async def _in_turns(bench: Bench, sides: Sequence[_Side], at_once: int, rounds: int) -> _Spans:
    spans: _Spans = [[] for _ in sides]
    order = list(range(len(sides)))
    for number in range(-max(2, WARM_UP // at_once), rounds):
        # Who goes first changes, so that none always follows a longer pause.
        order.append(order.pop(0))
        for which in order:
            found = await sides[which].timed(at_once)
            if number >= 0:
                spans[which].extend(found)
        if number >= 0 and number % max(1, rounds // 4) == 0:
            bench.say(f"{at_once} at once: {number} of {rounds} rounds")
    return spans


def _ours(path: OrderPath, price: Decimal) -> _Side:
    intent = OrderIntent(SYMBOL, Side.BUY, OrderType.LIMIT, AMOUNT, price)

    async def place() -> str:
        order = await path.gateway.place(intent)
        if order.state is not OrderState.ACCEPTED:
            raise RuntimeError(f"the order was not accepted: {order.state} {order.reason}")
        return order.order_id

    return _Side(place, path.gateway.cancel)


def _theirs(
    ccxt: Any, price: Decimal, create: Callable[..., Awaitable[Any]] | None = None
) -> _Side:
    create = create or ccxt.create_order

    async def place() -> str:
        order = await create(
            SYMBOL, "limit", "buy", plain(AMOUNT), plain(price), {"timeInForce": "GTC"}
        )
        return str(order["id"])

    async def cancel(order_id: str) -> object:
        return await ccxt.cancel_order(order_id, SYMBOL)

    return _Side(place, cancel)
