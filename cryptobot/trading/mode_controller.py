"""Live and paper, switched at run time. Paper always succeeds; live must earn it.

To paper, in this order: mode in memory, paper account started from the live balances, fence file,
journal; then orders on their way are awaited or stopped, and each is reported. To live: every
precondition, journal, fence file removed, mode in memory.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from cryptobot.domain.clock import Clock, iso
from cryptobot.domain.errors import CryptobotError, JournalUnavailable
from cryptobot.domain.mode import Mode, ModeTrigger, TradingState
from cryptobot.domain.order import Order, OrderState
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import ModeChange
from cryptobot.trading.background import repeat
from cryptobot.trading.fence import Fence
from cryptobot.trading.order_gateway import InFlight, OrderGateway
from cryptobot.trading.order_tracker import OrderTracker

ACKNOWLEDGE_S: Final = 1.8
"""A switch to paper is acknowledged within it; the ops script waits 2 s."""

JOURNAL_WAIT_S: Final = 0.3
"""Longest wait for the journal: memory and the fence file hold already."""

IN_FLIGHT_WAIT_S: Final = 1.2
"""Longest wait for answers of orders on their way."""

CANCELLING_IN_FLIGHT_WAIT_S: Final = 0.6
CANCEL_WAIT_S: Final = 0.8
FENCE_POLL_S: Final = 0.1

_log = structlog.stdlib.get_logger("cryptobot.orders")


@dataclass(frozen=True, slots=True)
class ModeStatus:
    """The mode in force and how it came about."""

    mode: Mode
    since_ns: int
    reason: str
    actor: str
    trigger: ModeTrigger


@dataclass(frozen=True, slots=True)
class FailedPrecondition:
    """Something that stands in the way of going live."""

    precondition: str
    detail: str


class LiveRefused(CryptobotError):  # noqa: N818 - named for the outcome
    """Live was asked for and refused.

    Args:
        failed: Everything that stands in the way.
    """

    def __init__(self, failed: Sequence[FailedPrecondition]) -> None:
        super().__init__("; ".join(f"{item.precondition}: {item.detail}" for item in failed))
        self.failed = tuple(failed)


@dataclass(frozen=True, slots=True)
class InFlightOutcome:
    """What became of an order that was on its way when the switch came."""

    order: Order
    outcome: str


@dataclass(frozen=True, slots=True)
class Switched:
    """The answer to a switch.

    Attributes:
        paper_from_ns: When the live balances were read that the paper account was started from,
            nanoseconds since 1970; ``None`` when it was not started anew.
    """

    status: ModeStatus
    open_live_orders: tuple[Order, ...] = ()
    in_flight: tuple[InFlightOutcome, ...] = ()
    canceled: tuple[Order, ...] = ()
    paper_from_ns: int | None = None


@dataclass(slots=True)
class ModeHooks:
    """What a switch does in other rooms.

    Attributes:
        start_paper_account: Reset the paper account from the live one, without waiting; return
            when the live balances were read, ``None`` when they never were.
        live_preconditions: Everything that stands in the way of live; may take its time.
        changed: Told of every change.
    """

    start_paper_account: Callable[[], int | None]
    live_preconditions: Callable[[str | None], Awaitable[list[FailedPrecondition]]]
    changed: list[Callable[[ModeStatus, Mode], None]] = field(default_factory=list)


class ModeController:
    """Owns the mode and the trading state.

    Args:
        status: What is in force at the start.
        fence_file: The fence; it must ask this controller for the mode.
        clock: Stamps changes.
        journal: Where changes are kept.
    """

    def __init__(self, status: ModeStatus, clock: Clock, journal: Journal) -> None:
        self.status = status
        self.trading_state = TradingState.ACTIVE
        self._clock = clock
        self._journal = journal
        self._epoch = 0
        self._paper_from_ns: int | None = None
        self._lock = asyncio.Lock()
        self._fence: Fence
        self._gateway: OrderGateway
        self._tracker: OrderTracker
        self._hooks: ModeHooks

    def attach(
        self, fence: Fence, gateway: OrderGateway, tracker: OrderTracker, hooks: ModeHooks
    ) -> None:
        """Tell the controller what it steers; once, before the first switch."""
        self._fence = fence
        self._gateway = gateway
        self._tracker = tracker
        self._hooks = hooks

    @property
    def mode(self) -> Mode:
        """The mode in force."""
        return self.status.mode

    @property
    def switches(self) -> int:
        """How often it was switched to paper, by whatever."""
        return self._epoch

    @property
    def fenced(self) -> bool:
        """Whether the fence file exists."""
        return self._fence.file_present

    def to_wire(self) -> dict[str, object]:
        """Return the mode as the control socket shows it."""
        return {
            "mode": str(self.status.mode),
            "mode_since": iso(self.status.since_ns),
            "mode_reason": self.status.reason,
            "trigger": str(self.status.trigger),
            "actor": self.status.actor,
            "trading_state": str(self.trading_state),
            "fenced": self.fenced,
        }

    def set_trading_state(self, state: TradingState) -> None:
        """Change the trading state and tell everyone."""
        if state is not self.trading_state:
            _log.warning("trading_state_changed", before=str(self.trading_state), now=str(state))
            self.trading_state = state
            self._announce(self.status.mode)

    async def to_paper(
        self, *, reason: str, actor: str, trigger: ModeTrigger, cancel_open: bool = False
    ) -> Switched:
        """Switch to paper. When this returns, no live order leaves this process any more.

        Args:
            reason: Why, for people.
            actor: Who.
            trigger: What caused it.
            cancel_open: Also cancel every open live order.
        """
        before = self.status.mode
        on_the_way = self._gateway.in_flight(Mode.LIVE)
        self._epoch += 1
        paper_from_ns = None
        if before is Mode.LIVE:
            self._set(ModeStatus(Mode.PAPER, self._clock.now_ns(), reason, actor, trigger))
            self.trading_state = TradingState.ACTIVE  # what halted live does not halt paper
            paper_from_ns = self._paper_from_ns = self._start_paper_account()
        elif self.status.trigger is ModeTrigger.FENCE_FILE:
            # The file of this very switch was seen first: say who and why.
            status = self.status
            self.status = ModeStatus(Mode.PAPER, status.since_ns, reason, actor, trigger)
            paper_from_ns = self._paper_from_ns
        else:
            _log.info("paper_asked_again", reason=reason, actor=actor, trigger=str(trigger))
        self._arm(reason, actor)
        # All that must happen has happened before the first await: the caller may be cancelled.
        if before is Mode.LIVE:
            self._announce(before)
            await self._record(before)
        in_flight = await self._await_in_flight(
            on_the_way, CANCELLING_IN_FLIGHT_WAIT_S if cancel_open else IN_FLIGHT_WAIT_S
        )
        canceled = await self._cancel_open() if cancel_open else ()
        return Switched(
            self.status,
            tuple(self._tracker.open_orders(Mode.LIVE)),
            in_flight,
            canceled,
            paper_from_ns,
        )

    async def to_live(self, *, reason: str, actor: str, confirm: str | None) -> Switched:
        """Switch to live if nothing stands in the way.

        Raises:
            LiveRefused: Something does; the mode is as before.
        """
        # Before the wait for another call: a fence of meanwhile is newer than this wish.
        epoch, fence_file = self._epoch, self._fence.mark()
        async with self._lock:
            if self.status.mode is Mode.LIVE:
                _log.info("live_asked_again", reason=reason, actor=actor)
                return Switched(self.status, tuple(self._tracker.open_orders(Mode.LIVE)))
            failed = await self._hooks.live_preconditions(confirm)
            if failed:
                raise LiveRefused(failed)
            status = ModeStatus(
                Mode.LIVE, self._clock.now_ns(), reason, actor, ModeTrigger.OPERATOR
            )
            try:
                await self._journal.record_mode(_change(self.status.mode, status))
            except JournalUnavailable as error:
                raise LiveRefused([FailedPrecondition("health", str(error))]) from error
            except asyncio.CancelledError:
                self._take_back()
                raise
            if epoch != self._epoch or fence_file != self._fence.mark():
                self._take_back()
                raise LiveRefused(
                    [FailedPrecondition("fence", "paper was asked for in the meantime")]
                )
            try:
                self._fence.disarm()
            except OSError as error:
                self._take_back()
                raise LiveRefused([FailedPrecondition("fence", str(error))]) from error
            self._set(status)
            self.trading_state = TradingState.ACTIVE
            self._announce(Mode.PAPER)
            return Switched(self.status, tuple(self._tracker.open_orders(Mode.LIVE)))

    async def watch_fence_file(self) -> None:
        """Follow the fence file for ever: its appearance switches to paper."""
        await repeat(FENCE_POLL_S, self._look_at_fence_file, "fence file")

    async def _look_at_fence_file(self) -> None:
        if self.status.mode is Mode.LIVE and self._fence.file_present:
            await self.to_paper(
                reason="the fence file PAPER_ONLY appeared",
                actor="fence file",
                trigger=ModeTrigger.FENCE_FILE,
            )

    def _set(self, status: ModeStatus) -> None:
        self.status = status
        _log.warning(
            "mode_changed",
            mode=str(status.mode),
            reason=status.reason,
            actor=status.actor,
            trigger=str(status.trigger),
        )

    def _arm(self, reason: str, actor: str) -> None:
        try:
            self._fence.arm(reason=reason, actor=actor, at_ns=self._clock.now_ns())
        except OSError as error:
            # Memory fences this process; the file is for the next one.
            _log.critical("fence_file_not_written", reason=str(error))

    async def _record(self, before: Mode) -> None:
        try:
            recorded = self._journal.record_mode(_change(before, self.status))
            recorded.add_done_callback(lambda future: future.cancelled() or future.exception())
            done, _ = await asyncio.wait({recorded}, timeout=JOURNAL_WAIT_S)
            for future in done:
                future.result()
        except JournalUnavailable as error:
            _log.critical("mode_change_not_journalled", reason=str(error))
        else:
            if not done:
                _log.critical("mode_change_not_journalled", reason="the journal is slow")

    def _take_back(self) -> None:
        """Journal that live, recorded a moment ago, did not come about."""
        status = self.status
        change = ModeChange(
            self._clock.now_ns(),
            Mode.LIVE,
            status.mode,
            status.trigger,
            f"live was not reached: {status.reason}",
            status.actor,
        )
        try:
            recorded = self._journal.record_mode(change)
        except JournalUnavailable as error:
            _log.critical("mode_change_not_journalled", reason=str(error))
        else:
            recorded.add_done_callback(_on_taken_back)

    def _start_paper_account(self) -> int | None:
        try:
            return self._hooks.start_paper_account()
        except Exception:  # noqa: BLE001 - nothing may come between the mode and the fence file
            _log.exception("paper_account_not_started")
            return None

    def _announce(self, before: Mode) -> None:
        for listener in self._hooks.changed:
            try:
                listener(self.status, before)
            except Exception:  # noqa: BLE001 - nor between the switch and its acknowledgement
                _log.exception("mode_listener_failed")

    async def _await_in_flight(
        self, on_the_way: Sequence[InFlight], timeout_s: float
    ) -> tuple[InFlightOutcome, ...]:
        if on_the_way:
            await asyncio.wait([item.task for item in on_the_way], timeout=timeout_s)
        return tuple(self._outcome(item) for item in on_the_way)

    def _outcome(self, item: InFlight) -> InFlightOutcome:
        order = self._tracker.get(item.order.order_id)
        if order is None:  # forgotten: its intent could not be journalled, so nothing was sent
            return InFlightOutcome(item.order, "stopped_before_wire")
        if order.state is OrderState.DENIED:
            return InFlightOutcome(order, "stopped_before_wire")
        if order.state in {OrderState.SUBMITTED, OrderState.UNRESOLVED}:
            return InFlightOutcome(order, "still_unknown")
        return InFlightOutcome(order, str(order.state))

    async def _cancel_open(self) -> tuple[Order, ...]:
        async def cancel(order: Order) -> Order | None:
            try:
                return await self._gateway.cancel(order.order_id)
            except CryptobotError as error:
                _log.warning("order_not_cancelled", orderId=order.order_id, reason=str(error))
            except Exception:  # noqa: BLE001 - the switch has happened and must be answered
                _log.exception("order_not_cancelled", orderId=order.order_id)
            return None

        tasks = [
            asyncio.create_task(cancel(order)) for order in self._tracker.open_orders(Mode.LIVE)
        ]
        if not tasks:
            return ()
        done, _ = await asyncio.wait(tasks, timeout=CANCEL_WAIT_S)
        orders = [task.result() for task in done]
        return tuple(
            order for order in orders if order is not None and order.state is OrderState.CANCELED
        )


def _on_taken_back(recorded: asyncio.Future[None]) -> None:
    error = None if recorded.cancelled() else recorded.exception()
    if error is not None:
        _log.critical("mode_change_not_journalled", reason=str(error))


def _change(before: Mode, status: ModeStatus) -> ModeChange:
    return ModeChange(
        status.since_ns, before, status.mode, status.trigger, status.reason, status.actor
    )
