"""The way to the exchange and back: delays, faults by the weather, streams, who listens."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from random import Random
from typing import Any

from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.domain.order import OrderReport
from cryptobot.trading.exchange import OrderRequest

from .model_exchange import ModelExchange
from .tier import Witness
from .virtual_loop import EPOCH_NS, VirtualLoop
from .weather import Weather, WriteFault

MESSAGE_S = (0.002, 0.05)
"""How long a message of a stream travels."""

LATE_S = 1.2
"""How long a late one does."""

Message = OrderReport | str
"""What the user stream says; a string tells that it is ``connected`` or ``disconnected``."""


ROUNDING_S = 1e-6
"""By how much two sums of the same seconds may differ."""


class ModelWire:
    """What lies between one engine process and the exchange.

    Args:
        loop: Whose time.
        exchange: The other end.
        weather: What goes wrong now.
        rng: Chooses within the weather.
        witness: Told of what leaves and arrives.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        exchange: ModelExchange,
        weather: Callable[[], Weather],
        rng: Random,
        witness: Witness,
    ) -> None:
        self._loop = loop
        self.exchange = exchange
        self._weather = weather
        self.rng = rng
        self.seed = rng.getrandbits(32)
        self._witness = witness
        self._user: list[asyncio.Queue[Message]] = []
        self._market: list[tuple[str, type[Any], asyncio.Queue[Any]]] = []
        self._last_s = 0.0
        self._silent_until_s = 0.0
        self._deaf = False
        self._outside = Context()  # what is on its way belongs to no process
        self.cut = False
        exchange.watchers.append(self._on_report)

    def close(self) -> None:
        """Cut it: the process is gone. What has left already arrives."""
        self.cut = True
        self.exchange.watchers.remove(self._on_report)

    # One request

    def fault(self) -> WriteFault | None:
        """Choose what becomes of a write."""
        chance = self.rng.random()
        for fault, probability in self._weather().writes.items():
            chance -= probability
            if chance < 0:
                return fault
        return None

    def left(self) -> None:
        """A request of any kind leaves now: it must not while the exchange wants silence."""
        if self._loop.time() < self._silent_until_s - ROUNDING_S:
            self._witness.on_noise("a request")

    def limited(self) -> bool:
        """Choose whether a read is told to wait."""
        return self.rng.random() < self._weather().limited

    def ban(self) -> tuple[int, int]:
        """Choose an answer's status and how many seconds of silence it begins."""
        status, wait_s = self.rng.choice(((429, 1), (429, 2), (418, 3)))
        self._silent_until_s = max(self._silent_until_s, self._loop.time() + wait_s)
        return status, wait_s

    def read_fails(self) -> bool:
        """Choose whether a read fails."""
        return self.cut or self.rng.random() < self._weather().read_fails

    def as_of_s(self) -> float:
        """Choose how old a read is, and return the second it tells of."""
        lag_s = self._weather().lag_s
        return self._loop.time() - (self.rng.uniform(lag_s / 2, lag_s) if lag_s else 0.0)

    def travel_s(self) -> float:
        """Choose how long one way takes."""
        return self.rng.uniform(0.001, 0.04)

    def slowness_s(self) -> float:
        """Choose what an answer takes more than usual."""
        slow_s = self._weather().slow_s
        return self.rng.uniform(0, slow_s) if slow_s else 0.0

    async def pause(self) -> None:
        """Wait as a request does on its way out: mostly not at all, sometimes long."""
        chance = self.rng.random()
        if chance < 0.1:
            await asyncio.sleep(self.rng.uniform(0.05, 0.4))
        elif chance < 0.6:
            await asyncio.sleep(self.rng.uniform(0, 0.01))

    def exchange_ns(self) -> int:
        """Return the exchange's time."""
        return EPOCH_NS + round(self._loop.time() * 1e9)

    def order_left(self, request: OrderRequest) -> None:
        """Bytes of an order leave now."""
        if self.cut:
            raise RuntimeError("the process is gone")
        self._witness.on_left(request.client_order_id, f"{request.side} {request.amount}")

    def send(self, name: str, travel_s: float, execute: Callable[[], None], *, order: bool) -> None:
        """Let a request arrive later, come what may."""
        if self.cut:
            raise RuntimeError("the process is gone")
        if order:
            self._witness.on_sent(name)

        def arrive() -> None:
            execute()
            if order:
                self._witness.on_arrived(name)

        self._loop.call_later(travel_s, arrive, context=self._outside)

    # Streams

    @contextmanager
    def user_stream(self) -> Iterator[asyncio.Queue[Message]]:
        """Subscribe to our own orders."""
        queue: asyncio.Queue[Message] = asyncio.Queue()
        self._user.append(queue)
        if not self._deaf:
            queue.put_nowait("connected")
        try:
            yield queue
        finally:
            self._user.remove(queue)

    @contextmanager
    def market_stream(self, symbol: str, kind: type[Any]) -> Iterator[asyncio.Queue[Any]]:
        """Subscribe to the market."""
        entry: tuple[str, type[Any], asyncio.Queue[Any]] = (symbol, kind, asyncio.Queue())
        self._market.append(entry)
        try:
            yield entry[2]
        finally:
            self._market.remove(entry)

    def on_market(self, event: Book | PublicTrade | Candle) -> None:
        """Bring market data."""
        if self._weather().silent or self.cut:
            return
        for symbol, kind, queue in self._market:
            if event.symbol == symbol and isinstance(event, kind):
                queue.put_nowait(event)

    def watch_connection(self) -> None:
        """Break the user stream or bring it back, as the weather is."""
        deaf = self._weather().deaf
        if deaf is self._deaf or self.cut:
            return
        self._deaf = deaf
        for queue in self._user:
            queue.put_nowait("disconnected" if deaf else "connected")

    def _on_report(self, report: OrderReport) -> None:
        weather = self._weather()
        if weather.deaf or self.rng.random() < weather.dropped:
            return
        for _ in range(2 if self.rng.random() < weather.doubled else 1):
            if self.rng.random() < weather.delayed:
                at_s = self._loop.time() + self.rng.uniform(0.1, LATE_S)
            else:  # the usual order is the order of events
                at_s = max(self._last_s, self._loop.time() + self.rng.uniform(*MESSAGE_S))
                self._last_s = at_s
            self._loop.call_at(at_s, self._deliver, report, context=self._outside)

    def _deliver(self, report: OrderReport) -> None:
        if self._deaf or self.cut:
            return
        for queue in self._user:
            queue.put_nowait(report)
