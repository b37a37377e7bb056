"""The one door: every order goes through here, nothing else calls a venue's write methods.

validate → risk → journal → fence → venue → outcome. What an outcome means:

=======================================  ==============  ======================  =============
the venue call ended with                state           counts as failed        then
=======================================  ==============  ======================  =============
a report                                 the report's    if ``rejected``         tracked
a report that says no more than "taken"  accepted        no                      looked up
``OrderRefused``                         rejected        yes                     told
``StoppedHere``: fence, breaker, ban     denied          no                      told
``NotSent`` by anything else             rejected        yes                     told
``OutcomeUnknown``, or cancelled         unresolved      yes                     looked up
anything else                            unresolved      yes                     looked up
the intent could not be journalled       (no order)      no                      error, unsent
=======================================  ==============  ======================  =============
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

import structlog

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import (
    CryptobotError,
    JournalUnavailable,
    NotSent,
    OrderRefused,
    OutcomeUnknown,
    ReadFailed,
    StoppedHere,
)
from cryptobot.domain.ids import IdSource, client_order_id
from cryptobot.domain.mode import Mode, TradingState
from cryptobot.domain.money import plain
from cryptobot.domain.order import Order, OrderIntent, OrderState
from cryptobot.trading.background import tell_error
from cryptobot.trading.exchange import Exchange, OrderRequest
from cryptobot.trading.fence import Fence
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_permit import NotJournalled, OrderPermit, Stages
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.risk import Denial, Risk, reduces

KEY_REFUSED: Final = frozenset({"authentication", "permission_denied"})
"""Refusals of a cancel that say nothing of the order: it stands."""

_log = structlog.stdlib.get_logger("cryptobot.orders")


class Account(Protocol):
    """What the gateway asks about prices and holdings. Answers come from memory."""

    def price(self, symbol: str) -> Decimal | None:
        """Return a current price in quote currency, ``None`` while unknown."""
        ...

    def position(self, mode: Mode, symbol: str) -> Decimal:
        """Return the amount held in base currency."""
        ...


class UnknownOrder(CryptobotError):  # noqa: N818 - reads as what it says
    """No order has that id."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """An order whose venue call has not ended."""

    order: Order
    task: "asyncio.Task[Order]"


class OrderGateway:
    """Places and cancels orders. All calls belong to one event loop.

    Args:
        venues: Where orders of each mode go.
        tracker: What becomes of them.
        journal: Where intents are kept.
        fence: Stops live orders.
        risk: Limits.
        account: Prices and positions.
        clock: Stamps and latencies.
        ids: New order ids.
        mode: The mode in force.
        trading_state: Whether new orders are taken.
        on_unresolved: Starts the search for an order's outcome.
        on_denied: Counts denials: (code).
        on_stage: Told how many seconds a live order spent in a stage: ``checks``, ``journal``
            (until its intent is on disk, as far as it waits for that), ``fence`` (until its bytes
            may leave), ``exchange`` (until the answer).
    """

    def __init__(
        self,
        *,
        venues: Mapping[Mode, Exchange],
        tracker: OrderTracker,
        journal: OrderJournal,
        fence: Fence,
        risk: Mapping[Mode, Risk],
        account: Account,
        clock: Clock,
        ids: IdSource,
        mode: Callable[[], Mode],
        trading_state: Callable[[], TradingState],
        on_unresolved: Callable[[Order], None],
        on_denied: Callable[[str], None],
        on_stage: Callable[[str, float], None] = lambda _stage, _seconds: None,
    ) -> None:
        self._venues = venues
        self._tracker = tracker
        self._journal = journal
        self._fence = fence
        self._risk = risk
        self._account = account
        self._clock = clock
        self._ids = ids
        self._mode = mode
        self._trading_state = trading_state
        self._on_unresolved = on_unresolved
        self._on_denied = on_denied
        self._on_stage = on_stage
        self._sending: dict[str, asyncio.Task[Order]] = {}
        self._closed = False

    async def place(self, intent: OrderIntent) -> Order:
        """Place an order and return it as the venue's first answer left it.

        The caller may be cancelled: the order goes its way all the same. A request made again, by
        its ``request_id``, is answered with the order it made, and makes no second one.

        Raises:
            JournalUnavailable: The intent could not be journalled; nothing was sent.
        """
        accepted = self._clock.monotonic_ns()
        known = self._made_before(intent)
        if known is not None and _same(intent, known):
            sending = self._sending.get(known.order_id)
            return known if sending is None else await asyncio.shield(sending)
        order = self._new_order(intent)
        denial = self._denial(intent, order.mode)
        if denial is not None:
            return await self._denied(order, denial, accepted)
        order = order.moved(OrderState.SUBMITTED, order.created_ns)
        committed = self._journal.intent(order)
        self._risk[order.mode].sent(order.symbol)
        self._tracker.admit(order, accepted)
        fence = self._fence if order.mode is Mode.LIVE else None
        stages = Stages(accepted, self._clock.monotonic_ns())
        permit = OrderPermit(committed, fence, self._fence.switches, self._clock, stages)
        task = asyncio.create_task(self._send(order, permit), name=f"order-{order.order_id[:8]}")
        task.add_done_callback(_look_at_error)
        self._sending[order.order_id] = task
        return await asyncio.shield(task)

    async def cancel(self, order_id: str) -> Order:
        """Cancel an order and return it as the answer left it.

        An order that turns out to be filled or gone is returned as it is: look at its state.

        Raises:
            UnknownOrder: No such order, open or lately closed.
            NotSent: The venue could not be reached, or refused our key; the order stands as it
                was.
            OutcomeUnknown: The cancel's outcome is unknown; the order is being looked up.
        """
        order = self._tracker.get(order_id)
        if order is None:
            raise UnknownOrder(f"no order {order_id}")
        if not order.is_open:
            return order
        log = _log.bind(requestId=order.request_id, orderId=order_id)
        log.info("order_cancel_requested", mode=str(order.mode), symbol=order.symbol)
        try:
            report = await self._venues[order.mode].cancel_order(
                order.symbol, order.client_order_id
            )
        except OrderRefused as error:
            # Filled or cancelled a moment before, or unknown there: only a look-up tells.
            log.warning("order_cancel_refused", reason=str(error), code=error.code)
            if error.code in KEY_REFUSED:
                raise NotSent(str(error), error.code) from error
            return await self._look_up(order)
        except OutcomeUnknown as error:
            log.warning("order_cancel_unknown", reason=str(error), code=error.code)
            self._on_unresolved(order)
            raise
        return self._tracker.apply(order.mode, report, "cancel") or order

    async def _look_up(self, order: Order) -> Order:
        try:
            report = await self._venues[order.mode].find_order(order.symbol, order.client_order_id)
        except ReadFailed as error:
            self._on_unresolved(order)
            raise OutcomeUnknown(f"cancel refused, and {error}", "lookup_failed") from error
        if report is None:
            return self._tracker.get(order.order_id) or order
        return self._tracker.apply(order.mode, report, "lookup") or order

    def in_flight(self, mode: Mode) -> list[InFlight]:
        """Return the orders whose venue call has not ended."""
        found = []
        for order_id, task in self._sending.items():
            order = self._tracker.get(order_id)
            if order is not None and order.mode is mode:
                found.append(InFlight(order, task))
        return found

    @property
    def sending(self) -> int:
        """How many orders are on their way."""
        return len(self._sending)

    async def close(self, timeout_s: float) -> None:
        """Take no more orders; wait for those on their way, then give up on their answers.

        Orders given up on are ``unresolved`` in the journal; the next start looks them up.
        """
        self._closed = True
        tasks = list(self._sending.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _new_order(self, intent: OrderIntent) -> Order:
        now = self._clock.now_ns()
        order_id = self._ids.hex32()
        return Order(
            order_id=order_id,
            request_id=intent.request_id or self._ids.hex32(),
            client_order_id=client_order_id(order_id),
            symbol=intent.symbol,
            side=intent.side,
            type=intent.type,
            amount=intent.amount,
            price=intent.price,
            time_in_force=intent.time_in_force,
            origin=intent.origin,
            mode=self._mode(),
            state=OrderState.INITIALIZED,
            created_ns=now,
            updated_ns=now,
        )

    def _made_before(self, intent: OrderIntent) -> Order | None:
        """Return the order that an earlier request of this id made."""
        if intent.request_id is None:
            return None
        return self._tracker.by_request_id(intent.request_id)

    def _denial(self, intent: OrderIntent, mode: Mode) -> Denial | None:
        if self._closed:
            return Denial("shutting_down", "the engine is shutting down")
        known = self._made_before(intent)
        if known is not None:  # and it is another one: the same is not asked again
            return Denial("request_id", f"this request id has made another order, {known.order_id}")
        if intent.expected_mode not in {None, mode}:
            return Denial(
                "mode", f"it was meant for {intent.expected_mode}, but orders go to {mode} now"
            )
        instrument = self._venues[mode].instruments.get(intent.symbol)
        if instrument is None:
            return Denial("unknown_symbol", f"the exchange does not trade {intent.symbol}")
        price = intent.price or self._account.price(intent.symbol)
        violation = instrument.violation(intent, price)
        if violation is not None:
            return Denial("instrument", violation)
        position = self._account.position(mode, intent.symbol)
        resting = self._tracker.open_orders(mode)
        return self._state_denial(intent, position, resting) or self._risk[mode].denial(
            intent, price, position, resting
        )

    def _state_denial(
        self, intent: OrderIntent, position: Decimal, resting: Iterable[Order]
    ) -> Denial | None:
        state = self._trading_state()
        if state is TradingState.ACTIVE:
            return None
        if state is TradingState.HALTED:
            return Denial("halted", "trading is halted until reconciliation is clean")
        if reduces(intent, position, resting):
            return None
        return Denial("reducing", "only orders that make a position smaller are taken now")

    async def _denied(self, order: Order, denial: Denial, accepted: int) -> Order:
        now = self._clock.now_ns()
        order = order.moved(OrderState.DENIED, now, f"{denial.code}: {denial.reason}")
        order = order.changed(answered_ns=now)
        committed = self._journal.intent(order)
        self._tracker.admit(order, accepted)
        self._on_denied(denial.code)
        _log.warning(
            "order_denied",
            requestId=order.request_id,
            orderId=order.order_id,
            symbol=order.symbol,
            mode=str(order.mode),
            code=denial.code,
            reason=denial.reason,
        )
        await asyncio.shield(committed)
        return order

    async def _send(self, order: Order, permit: OrderPermit) -> Order:
        log = _log.bind(requestId=order.request_id, orderId=order.order_id)
        log.info(
            "order_submitted",
            mode=str(order.mode),
            symbol=order.symbol,
            side=str(order.side),
            type=str(order.type),
            amount=plain(order.amount),
            price=None if order.price is None else plain(order.price),
            origin=order.origin,
            clientOrderId=order.client_order_id,
        )
        try:
            request = OrderRequest(
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                type=order.type,
                amount=order.amount,
                price=order.price,
                time_in_force=order.time_in_force,
            )
            try:
                report = await self._venues[order.mode].place_order(request, permit)
                settled = self._tracker.apply(order.mode, report, "answer") or order
                if report.acknowledged_only:
                    self._on_unresolved(settled)
            except NotJournalled as error:
                log.warning("order_not_sent", reason=str(error))
                self._tracker.forget(order)
                raise JournalUnavailable(str(error)) from error
            except StoppedHere as error:
                self._on_denied(error.code)
                settled = self._settle(order, OrderState.DENIED, error.code, error)
            except (OrderRefused, NotSent) as error:
                settled = self._settle(order, OrderState.REJECTED, error.code, error)
            except OutcomeUnknown as error:
                settled = self._unresolved(order, error.code, error)
            except asyncio.CancelledError as error:
                self._unresolved(order, "cancelled", error)
                raise
            except Exception as error:
                # No venue should raise anything else; what is not proven stays unknown.
                log.exception("order_venue_broke")
                settled = self._unresolved(order, "unclassified", error)
            if order.mode is Mode.LIVE:
                for stage, seconds in permit.stages.spans_s(self._clock.monotonic_ns()):
                    self._on_stage(stage, seconds)
            log.info(
                "order_answered",
                state=str(settled.state),
                filled=plain(settled.filled),
                exchangeOrderId=settled.exchange_order_id,
                latencyMs=settled.latency_ms,
                reason=settled.reason,
            )
            return settled
        finally:
            self._sending.pop(order.order_id, None)

    def _settle(self, order: Order, state: OrderState, code: str, error: Exception) -> Order:
        current = self._tracker.get(order.order_id) or order
        if current.state is not OrderState.SUBMITTED:
            return current  # the stream was faster, and it has seen the order
        return self._tracker.settle(
            order.order_id,
            state,
            f"{code}: {error}",
            {"source": "answer", "code": code, "error": str(error)},
        )

    def _unresolved(self, order: Order, code: str, error: BaseException) -> Order:
        settled = order
        with suppress(ValueError):
            current = self._tracker.get(order.order_id) or order
            settled = current
            if current.state is OrderState.SUBMITTED:
                settled = self._tracker.settle(
                    order.order_id,
                    OrderState.UNRESOLVED,
                    f"{code}: {error}",
                    {"source": "answer", "code": code, "error": str(error)},
                )
        self._on_unresolved(settled)
        return settled


def _look_at_error(task: asyncio.Task[Order]) -> None:
    """Take note of an order's error, which no caller may be left to hear.

    That nothing could be journalled is told where it happens; anything else is told to the loop.
    """
    if task.cancelled() or not isinstance(task.exception(), JournalUnavailable):
        tell_error(task)


def _same(intent: OrderIntent, order: Order) -> bool:
    """Return whether a repeated request wants what it wanted before."""
    return all(
        getattr(intent, name) == getattr(order, name)
        for name in ("symbol", "side", "type", "amount", "price", "time_in_force", "origin")
    )
