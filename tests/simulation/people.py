"""Those who use the engine: they want orders, cancel, switch, restart, and set the clock."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path
from random import Random
from typing import Any, Final

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import CryptobotError, JournalUnavailable
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.order import Order, OrderIntent, OrderState, OrderType, Side
from cryptobot.trading.mode_controller import LiveRefused

from .disk import Committed
from .incarnation import Incarnation
from .model_exchange import BTC, ETH
from .oracle import UNKNOWN, Oracle
from .scenario import Act
from .tier import Judged
from .trace import Trace

ASKED_AGAIN: Final = 3
"""How often somebody who is told "not placed" asks for the same order again."""

NOT_PLACED: Final = frozenset({OrderState.DENIED, OrderState.REJECTED})
POLL_S: Final = 0.25
ACCOUNT: Final = "main"


class Interrupted(Exception):  # noqa: N818 - what happened to the caller
    """The engine died, or there is none."""


@dataclass(slots=True)
class Wish:
    """An order that somebody wants once."""

    name: str
    intent: OrderIntent
    asked: int = 0


class People:
    """Act on whatever engine runs now.

    Args:
        engine: Tells which; ``None`` while there is none.
        restart: Ends the engine in order and starts another.
        exchange: For prices.
        committed: What a look into the journal tells.
        oracle: Told of switches.
        trace: Told of everything.
        rng: Chooses.
        on_paper: Called when paper is asked for, and when it is acknowledged.
    """

    def __init__(
        self,
        *,
        engine: Callable[[], Incarnation | None],
        restart: Callable[[], Coroutine[Any, Any, None]],
        exchange: Judged,
        committed: Committed,
        oracle: Oracle,
        trace: Trace,
        rng: Random,
        on_paper: Callable[[], None],
    ) -> None:
        self._on_paper = on_paper
        self._engine = engine
        self._restart = restart
        self._exchange = exchange
        self._committed = committed
        self._oracle = oracle
        self._trace = trace
        self._rng = rng
        self._wishes = 0
        self.acts: dict[Act, Callable[[], Coroutine[Any, Any, None]]] = {
            Act.WISH: self._wish,
            Act.CANCEL: self._cancel,
            Act.TO_PAPER: self._to_paper,
            Act.TO_PAPER_CANCELLING: self._to_paper_cancelling,
            Act.TO_LIVE: self._to_live_once,
            Act.TOUCH_FENCE: self._touch_fence,
            Act.RESTART: self._restart,
            Act.RESTART_EXCHANGE: self._restart_exchange,
            Act.CLOCK_FORWARD: self._clock_forward,
            Act.CLOCK_BACK: self._clock_back,
        }

    async def do(self, act: Act) -> None:
        """Do it; an engine that is not there, or dies meanwhile, ends it."""
        self._trace.add(f"act {act}")
        try:
            await self.acts[act]()
        except Interrupted:
            self._trace.add(f"act {act} interrupted")

    # Orders

    async def _wish(self) -> None:
        self._wishes += 1
        name = f"{self._wishes:032x}"
        await self.pursue(Wish(name, self._drawn(name)))

    def _drawn(self, name: str) -> OrderIntent:
        symbol = self._rng.choice((BTC, BTC, ETH))
        side = self._rng.choice(list(Side))
        amount = D(self._rng.randint(100, 1000)) / 1000
        kind = self._rng.choice((OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT))
        price = None
        if kind is OrderType.LIMIT:
            price = self._exchange.price(symbol) + D(self._rng.randint(-40, 40)) / 100
        return OrderIntent(symbol, side, kind, amount, price, request_id=name)

    async def pursue(self, wish: Wish) -> OrderState | None:
        """Ask for an order until it is placed or has been asked for often enough."""
        state: OrderState | None = None
        while wish.asked < ASKED_AGAIN:
            wish.asked += 1
            try:
                order = await self._placed(wish)
            except Interrupted:
                state = await self._found_out(wish)
            else:
                state = None if order is None else await self._definite(order)
            if state is not None and state not in NOT_PLACED:
                return state
            await asyncio.sleep(self._rng.uniform(0.05, 0.5))
        return state

    async def _placed(self, wish: Wish) -> Order | None:
        engine = self._running()
        try:
            order: Order = await self.through(
                engine, engine.rooms.gateway.place(wish.intent), "place"
            )
        except JournalUnavailable:
            self._trace.add(f"wish {wish.name[-4:]}: nothing was sent")
            return None
        self._trace.add(f"wish {wish.name[-4:]}: {order.order_id[:6]} {order.mode} {order.state}")
        return order

    async def _definite(self, order: Order) -> OrderState:
        """Wait until it is known what became of an order."""
        state = order.state
        while state in UNKNOWN:
            await asyncio.sleep(POLL_S)
            engine = self._engine()
            if engine is None or not engine.ready:
                continue
            now = engine.rooms.tracker.get(order.order_id)
            state = self._stored(order.order_id) if now is None else now.state
        return state

    async def _found_out(self, wish: Wish) -> OrderState | None:
        """Wait for the next engine, until it knows what became of every order of the wish."""
        while True:
            await asyncio.sleep(POLL_S)
            engine = self._engine()
            if engine is None or not engine.ready:
                continue
            states = {self._stored(known) for known in self._committed.wanted.get(wish.name, ())}
            if not states & UNKNOWN:
                return next(iter(states - NOT_PLACED), None)

    def _stored(self, order_id: str) -> OrderState:
        return OrderState(self._committed.orders[order_id]["state"])

    async def _cancel(self) -> None:
        engine = self._running()
        orders = engine.rooms.tracker.open_orders()
        if not orders:
            return
        order = self._rng.choice(orders)
        try:
            after: Order = await self.through(
                engine, engine.rooms.gateway.cancel(order.order_id), "cancel"
            )
        except CryptobotError as error:
            self._trace.add(f"cancel {order.order_id[:6]}: {type(error).__name__}")
        else:
            self._trace.add(f"cancel {order.order_id[:6]}: {after.state}")

    # Modes

    async def _to_paper(self) -> None:
        await self._switch_to_paper(cancel_open=False)

    async def _to_paper_cancelling(self) -> None:
        await self._switch_to_paper(cancel_open=True)

    async def _switch_to_paper(self, *, cancel_open: bool) -> None:
        engine = self._running()
        call = self._oracle.call()
        self._on_paper()
        switching = engine.rooms.modes.to_paper(
            reason="test", actor="people", trigger=ModeTrigger.OPERATOR, cancel_open=cancel_open
        )
        await self.through(engine, switching, "to-paper")
        self._oracle.fenced(call)
        self._trace.add("paper acknowledged")
        self._on_paper()

    async def _to_live_once(self) -> None:
        await self.to_live()

    async def to_live(self) -> bool:
        """Ask for live once; return whether it came about."""
        engine = self._running()
        live, calls = False, []

        async def ask() -> None:
            # In the turn in which the engine hears of it: a fence touched before that may go.
            calls.append(self._oracle.call())
            self._oracle.lifting(calls[0])
            await engine.rooms.modes.to_live(reason="test", actor="people", confirm=ACCOUNT)

        try:
            await self.through(engine, ask(), "to-live")
            live = True
        except LiveRefused as error:
            self._trace.add(f"live refused: {error.failed[0].precondition}")
        except Interrupted:
            # It may have come about, unheard: then the fence file is gone.
            live = not engine.rooms.fence.file_present
            raise
        finally:
            for call in calls:
                self._oracle.lifted(call, live=live)
        self._trace.add(f"live: {live}")
        return live

    async def _touch_fence(self) -> None:
        call = self._oracle.call()
        engine = self._running()
        _touch(Path(engine.rooms.fence._path), engine.clock.monotonic_ns())
        self._oracle.fenced(call)

    # The machine

    async def _restart_exchange(self) -> None:
        engine = self._running()
        await self.through(engine, engine.engine._connection.restart(), "restart-exchange")

    async def _clock_forward(self) -> None:
        self._running().clock.offset_ns += self._rng.randint(1, 60) * NS_PER_S

    async def _clock_back(self) -> None:
        self._running().clock.offset_ns -= self._rng.randint(1, 60) * NS_PER_S

    # Inside

    def _running(self) -> Incarnation:
        engine = self._engine()
        if engine is None or not engine.ready:
            raise Interrupted
        return engine

    async def through(
        self, engine: Incarnation, request: Coroutine[Any, Any, Any], name: str
    ) -> Any:
        """Have something done inside an engine. Raises ``Interrupted`` when it dies meanwhile."""
        task = engine.run(request, name)
        await asyncio.wait({task})
        if task.cancelled():
            raise Interrupted
        task.exception()  # looked at though nobody may want it: else it would count as unnoticed
        if not engine.alive:
            raise Interrupted
        return task.result()


def is_live(engine: Incarnation) -> bool:
    """Return whether an engine's orders go to the exchange."""
    return engine.rooms.modes.mode is Mode.LIVE


def _touch(path: Path, at_ns: int) -> None:
    path.touch()
    # The file system's own stamps are coarser than a run is long.
    os.utime(path, ns=(0, at_ns))
