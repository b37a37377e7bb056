"""Runs strategies: feeds them, carries out what they want, and stops the one that breaks."""

import asyncio
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

import structlog

from cryptobot.domain.errors import CryptobotError, UserError, VenueError
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Fill, Order, OrderIntent, OrderState
from cryptobot.strategies.strategy import Action, CancelIntent, ParamValue, Strategy

ORIGIN: Final = "strategy:"
MAX_CONCURRENT_ACTIONS: Final = 8
ACTIONS_END_S: Final = 2.0
"""How long the orders on their way may take before what rests of a strategy is cancelled."""

_log = structlog.stdlib.get_logger("cryptobot.strategies")


class Orders(Protocol):
    """The order path, as strategies reach it."""

    async def place(self, intent: OrderIntent) -> Order:
        """Place an order."""
        ...

    async def cancel(self, order_id: str) -> Order:
        """Cancel an order."""
        ...


class RunState(StrEnum):
    """Whether a strategy runs."""

    STOPPED = "stopped"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(slots=True)
class _Run:
    """One running strategy and what it still has to be told."""

    strategy: Strategy
    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    book: Book | None = None
    candles: dict[int, Candle] = field(default_factory=dict)
    owed: deque[tuple[Order, tuple[Fill, ...]]] = field(default_factory=deque)
    unresolved: set[str] = field(default_factory=set)
    mode: Mode | None = None
    slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_ACTIONS)
    )
    actions: set[asyncio.Task[None]] = field(default_factory=set)
    ended: bool = False


@dataclass(slots=True)
class _Record:
    """What is known of a strategy, running or not."""

    kind: type[Strategy]
    state: RunState = RunState.STOPPED
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    orders: int = 0
    fills: int = 0
    error: str | None = None
    run: _Run | None = None


class StrategyRunner:
    """Starts and stops strategies, one instance of each name.

    Args:
        kinds: The strategies by name.
        orders: The order path.
        instruments: Tells the rules of a symbol, ``None`` if it is not traded or not watched.
        history: Gives the candles of a symbol, oldest first.
        open_orders: Gives the orders that may still trade in the mode in force.
        on_change: Told whenever the answer of ``to_wire`` changes.
    """

    def __init__(
        self,
        kinds: Mapping[str, type[Strategy]],
        orders: Orders,
        *,
        instruments: Callable[[str], Instrument | None],
        history: Callable[[str], list[Candle]],
        open_orders: Callable[[], list[Order]],
        on_change: Callable[[], None],
    ) -> None:
        self._records = {name: _Record(kind) for name, kind in kinds.items()}
        self._orders = orders
        self._instruments = instruments
        self._history = history
        self._open_orders = open_orders
        self._on_change = on_change

    def start(self, name: str, params: Mapping[str, ParamValue]) -> None:
        """Start a strategy.

        Raises:
            UserError: It is unknown, runs already, or a parameter is wrong.
        """
        record = self._record(name)
        if record.run is not None:
            raise UserError(f"strategy {name} is running; stop it first")
        symbol = str(params.get("symbol", record.kind.defaults.get("symbol", "")))
        instrument = self._instruments(symbol)
        if instrument is None:
            raise UserError(f"strategy {name}: {symbol!r} is not among the watched symbols")
        run = _Run(_made(record.kind, params, instrument, self._history(symbol)))
        run.owed.extend(self._resting(name))
        record.run, record.params = run, run.strategy.params
        record.state, record.error = RunState.RUNNING, None
        run.task = asyncio.create_task(self._work(name, record, run), name=f"strategy-{name}")
        _log.info("strategy_started", strategy=name, params=dict(run.strategy.params))
        self._on_change()

    async def stop(self, name: str) -> None:
        """Stop a strategy and cancel its open orders. Raises ``UserError`` if it is not running."""
        record = self._record(name)
        run = record.run
        if run is None:
            raise UserError(f"strategy {name} is not running")
        if run.task is not None:
            run.task.cancel()
        record.run, record.state = None, RunState.STOPPED
        _log.info("strategy_stopped", strategy=name)
        self._on_change()
        await self._withdraw(name, run)

    async def close(self) -> None:
        """Stop all; their orders stay on the venue and in the journal."""
        for record in self._records.values():
            if record.run is not None:
                await self._end(record.run)
                record.run, record.state = None, RunState.STOPPED

    def counts(self) -> Mapping[RunState, int]:
        """Return how many strategies are in each state."""
        return {
            state: sum(record.state is state for record in self._records.values())
            for state in RunState
        }

    def to_wire(self) -> list[dict[str, object]]:
        """Return all strategies as the control socket shows them."""
        return [
            {
                "name": name,
                "state": str(record.state),
                "symbol": record.params.get("symbol", record.kind.defaults.get("symbol")),
                "params": dict(record.params),
                "defaults": dict(record.kind.defaults),
                "orders": record.orders,
                "fills": record.fills,
                "error": record.error,
                "origin": ORIGIN + name,
            }
            for name, record in self._records.items()
        ]

    def on_market(self, event: Book | PublicTrade | Candle) -> None:
        """Pass market data on; a listener of the market data."""
        for record in self._records.values():
            run = record.run
            if run is None or run.strategy.symbol != event.symbol:
                continue
            if isinstance(event, Book):
                run.book = event
            elif isinstance(event, Candle):
                run.candles[event.open_ms] = event
            else:
                continue
            run.wake.set()

    def on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        """Pass an order's change on to its strategy; a listener of the order tracker."""
        if not order.origin.startswith(ORIGIN):
            return
        record = self._records.get(order.origin.removeprefix(ORIGIN))
        if record is None:
            return
        record.fills += len(fills)
        if record.run is not None:
            record.run.owed.append((order, fills))
            record.run.wake.set()
        if fills:
            self._on_change()

    def on_mode(self, mode: Mode) -> None:
        """Tell every running strategy that orders go elsewhere now."""
        for name, record in self._records.items():
            if record.run is not None:
                record.run.mode = mode
                record.run.owed.extend(self._resting(name))
                record.run.wake.set()

    def _resting(self, name: str) -> list[tuple[Order, tuple[Fill, ...]]]:
        """Return the strategy's orders that rest where orders go now, to be told about."""
        return [(order, ()) for order in self._open_orders() if order.origin == ORIGIN + name]

    def _record(self, name: str) -> _Record:
        record = self._records.get(name)
        if record is None:
            raise UserError(f"no strategy {name!r}; known: {', '.join(self._records)}")
        return record

    async def _work(self, name: str, record: _Record, run: _Run) -> None:
        try:
            self._carry_out(name, record, run, run.strategy.on_start())
            while True:
                await run.wake.wait()
                run.wake.clear()
                for actions in _told(run):
                    self._carry_out(name, record, run, actions)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - users' code may raise anything
            record.error = f"{type(error).__name__}: {error}"[:300]
            record.run, record.state = None, RunState.FAILED
            _log.error(
                "strategy_failed",
                strategy=name,
                error=record.error,
                traceback=traceback.format_exc(limit=-8),
            )
            self._on_change()
            await self._withdraw(name, run)

    def _carry_out(self, name: str, record: _Record, run: _Run, actions: Iterable[Action]) -> None:
        for action in actions:
            if not isinstance(action, Action):
                raise TypeError(f"{action!r} is no order intent and no cancel intent")
            record.orders += isinstance(action, OrderIntent)
            task = asyncio.create_task(self._act(name, run, action))
            run.actions.add(task)
            task.add_done_callback(run.actions.discard)

    async def _act(self, name: str, run: _Run, action: Action) -> None:
        async with run.slots:
            if run.ended:
                return
            try:
                if isinstance(action, CancelIntent):
                    await self._orders.cancel(action.order_id)
                else:
                    await self._orders.place(action)
            except CryptobotError as error:
                _log.warning("strategy_action_failed", strategy=name, error=str(error))

    async def _withdraw(self, name: str, run: _Run) -> None:
        """Do nothing more of what the strategy wanted, and cancel what rests of it."""
        run.ended = True
        if run.actions:
            await asyncio.wait(run.actions, timeout=ACTIONS_END_S)
        await self._cancel_open(name)

    async def _cancel_open(self, name: str) -> None:
        for order in self._open_orders():
            if order.origin == ORIGIN + name:
                try:
                    await self._orders.cancel(order.order_id)
                except (VenueError, CryptobotError) as error:
                    _log.warning(
                        "strategy_cancel_failed",
                        strategy=name,
                        orderId=order.order_id,
                        error=str(error),
                    )

    @staticmethod
    async def _end(run: _Run) -> None:
        for task in (run.task, *run.actions):
            if task is not None:
                task.cancel()
        await asyncio.gather(
            *(task for task in (run.task, *run.actions) if task is not None),
            return_exceptions=True,
        )


def _made(
    kind: type[Strategy],
    params: Mapping[str, ParamValue],
    instrument: Instrument,
    history: list[Candle],
) -> Strategy:
    try:
        return kind(params, instrument, history)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        raise UserError(f"strategy {kind.name}: {reason}") from error


def _told(run: _Run) -> Iterable[Iterable[Action]]:
    """Tell a strategy what has happened: the mode first, then orders, candles, the book."""
    if run.mode is not None:
        mode, run.mode = run.mode, None
        yield run.strategy.on_mode(mode)
    while run.owed:
        order, fills = run.owed.popleft()
        yield run.strategy.on_order(order)
        if order.state is not OrderState.UNRESOLVED:
            run.unresolved.discard(order.order_id)
        elif order.order_id not in run.unresolved:
            run.unresolved.add(order.order_id)
            yield run.strategy.on_unresolved(order)
        for fill in fills:
            yield run.strategy.on_fill(fill, order)
    candles, run.candles = run.candles, {}
    for _, candle in sorted(candles.items()):
        yield run.strategy.on_candle(candle)
    book, run.book = run.book, None
    if book is not None:
        yield run.strategy.on_book(book)
