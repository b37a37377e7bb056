"""Guards of the product, each removed on purpose: with any of them gone the simulation goes red.

A mutation replaces a piece of the product by one without the guard, for the time of a ``with``.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final
from unittest.mock import patch

from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.mode import Mode, TradingState
from cryptobot.domain.order import Fill, News, Order, OrderReport, OrderState
from cryptobot.engine import engine as engine_module
from cryptobot.engine import recovery, start_mode
from cryptobot.engine.engine import Engine
from cryptobot.engine.live_preconditions import LivePreconditions
from cryptobot.engine.paper_account import PaperAccount
from cryptobot.trading import order_permit, order_tracker
from cryptobot.trading.fence import Fence
from cryptobot.trading.mode_controller import FailedPrecondition, ModeController
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.paper_exchange import PaperExchange
from cryptobot.trading.reconciler import Reconciler
from cryptobot.trading.settlement import Settlement

from .scenario import BAD_DISKS, Act, Scenario

PAPER: Final = {Act.TO_PAPER, Act.TO_PAPER_CANCELLING, Act.TOUCH_FENCE}

Mutation = Callable[[], AbstractContextManager[Any]]


def no_fence() -> AbstractContextManager[Any]:
    """Bytes leave without a look at the fence."""
    return patch.object(Fence, "check", lambda *_: None)


def fence_without_file() -> AbstractContextManager[Any]:
    """Only the mode in memory fences."""

    def check(self: Fence, switches: int | None = None) -> None:
        with patch.object(Fence, "file_present", new=False):
            _CHECK(self, switches)

    return patch.object(Fence, "check", check)


def no_journal_before_wire() -> AbstractContextManager[Any]:
    """The permit does not wait for the commit."""

    async def permit(_: object) -> None:
        await asyncio.sleep(0)

    return patch.object(order_permit.OrderPermit, "__call__", permit)


def fills_not_deduplicated() -> AbstractContextManager[Any]:
    """Every report's trades are new, whatever their ids."""

    def apply(self: OrderTracker, mode: Mode, report: OrderReport, *how: Any) -> Order | None:
        counted[0] += 1
        fills = tuple(
            replace(fill, trade_id=f"{fill.trade_id}-{counted[0]}") for fill in report.fills
        )
        return _APPLY(self, mode, replace(report, fills=fills), *how)

    counted = [0]
    return patch.object(OrderTracker, "apply", apply)


def fills_booked_again() -> AbstractContextManager[Any]:
    """The portfolio is told of a report's trades, known or not."""

    def apply(self: OrderTracker, mode: Mode, report: OrderReport, *how: Any) -> Order | None:
        order = self.find(mode, report)
        known = self._fills.get(order.order_id, {}) if order is not None else {}
        again = tuple(fill for fill in report.fills if fill.trade_id in known)
        after = _APPLY(self, mode, report, *how)
        if after is not None and again:
            self._tell(after, again)
        return after

    return patch.object(OrderTracker, "apply", apply)


def states_move_backwards() -> AbstractContextManager[Any]:
    """A late report overwrites a newer state."""

    def forward(_: Order, report: OrderReport, __: Decimal) -> OrderState:
        return report.state

    return patch.object(order_tracker, "_forward", forward)


def filled_shrinks() -> AbstractContextManager[Any]:
    """A late report overwrites a greater filled amount."""

    def merged(
        self: OrderTracker, order: Order, report: OrderReport, known: Mapping[str, Fill]
    ) -> dict[str, Any]:
        return {**_MERGED(self, order, report, known), "filled": report.filled}

    return patch.object(OrderTracker, "_merged", merged)


def unknown_is_rejected() -> AbstractContextManager[Any]:
    """An unknown outcome is taken for a rejection."""

    def unresolved(self: OrderGateway, order: Order, code: str, error: BaseException) -> Order:
        current = self._tracker.get(order.order_id) or order
        if current.state is not OrderState.SUBMITTED:
            return current
        return self._tracker.settle(
            order.order_id, OrderState.REJECTED, f"{code}: {error}", {"source": "answer"}
        )

    return patch.object(OrderGateway, "_unresolved", unresolved)


def no_patience() -> AbstractContextManager[Any]:
    """What was not found once is gone."""

    @contextmanager
    def gone() -> Iterator[None]:
        with (
            patch.object(Settlement, "_enough", lambda *_: True),
        ):
            yield

    return gone()


def no_lookup() -> AbstractContextManager[Any]:
    """Nobody asks what became of an order whose outcome is unknown."""
    return patch.object(Settlement, "start", lambda *_: None)


def no_halt() -> AbstractContextManager[Any]:
    """A start in live trades at once."""

    def decided(situation: start_mode.Situation) -> start_mode.StartDecision:
        return replace(_DECIDE(situation), trading_state=TradingState.ACTIVE)

    return patch.object(engine_module, "decide", decided)


def counted_before_commit() -> AbstractContextManager[Any]:
    """Orders are counted when they change, not when that is on disk."""

    @contextmanager
    def gone() -> Iterator[None]:
        def change(
            self: OrderJournal, order: Order, fills: tuple[Fill, ...], evidence: object, news: News
        ) -> None:
            for listener in self._listeners:
                listener(order, news)
            listeners, self._listeners = self._listeners, []
            _CHANGE(self, order, fills, evidence, news)
            self._listeners = listeners

        with patch.object(OrderJournal, "change", change):
            yield

    return gone()


def metrics_not_restored() -> AbstractContextManager[Any]:
    """A restart counts from zero."""

    async def nothing(*_: object) -> None:
        await asyncio.sleep(0)

    return patch.object(recovery, "restore_metrics", nothing)


def positions_not_restored() -> AbstractContextManager[Any]:
    """A restart begins flat."""

    async def nothing(*_: object) -> None:
        await asyncio.sleep(0)

    return patch.object(recovery, "restore_positions", nothing)


def orders_not_restored() -> AbstractContextManager[Any]:
    """A restart knows of no open order."""

    async def nothing(*_: object) -> list[Order]:
        await asyncio.sleep(0)
        return []

    return patch.object(recovery, "restore_orders", nothing)


def unanswered_forgotten() -> AbstractContextManager[Any]:
    """After a kill, an order without an answer counts as never sent."""

    def unanswered(tracker: OrderTracker, order: Order) -> Order:
        return tracker.settle(
            order.order_id, OrderState.DENIED, "not_sent: it never left", {"source": "recovery"}
        )

    return patch.object(recovery, "_unanswered", unanswered)


def no_reconciliation_of_orders() -> AbstractContextManager[Any]:
    """What the stream missed is never looked for."""

    async def nothing(*_: object) -> None:
        await asyncio.sleep(0)

    return patch.object(Reconciler, "_orders", nothing)


def no_reconciliation_of_trades() -> AbstractContextManager[Any]:
    """Trades that the stream missed are never fetched."""

    async def nothing(*_: object) -> None:
        await asyncio.sleep(0)

    return patch.object(Reconciler, "_trades", nothing)


def changes_not_repeated() -> AbstractContextManager[Any]:
    """What the journal could not take is dropped."""
    return patch.object(OrderJournal, "_repeat", lambda _: None)


def paper_while_going_live_ignored() -> AbstractContextManager[Any]:
    """A switch to paper does not stop a switch to live that is on its way."""

    @contextmanager
    def gone() -> Iterator[None]:
        async def to_paper(self: ModeController, **asked: Any) -> Any:
            epoch = self._epoch
            waiting = _TO_PAPER(self, **asked)
            task = asyncio.ensure_future(waiting)
            await asyncio.sleep(0)
            self._epoch = epoch
            return await task

        with (
            patch.object(ModeController, "to_paper", to_paper),
            patch.object(Fence, "mark", lambda _: None),
        ):
            yield

    return gone()


def halt_not_lifted() -> AbstractContextManager[Any]:
    """A clean reconciliation does not let trading go on."""
    return patch.object(Engine, "_on_reconciliation", lambda *_: None)


def no_fence_file() -> AbstractContextManager[Any]:
    """A switch to paper leaves no file for the next process."""
    return patch.object(Fence, "arm", lambda *_, **__: None)


def unjournalled_is_sent() -> AbstractContextManager[Any]:
    """An intent that the journal refused is sent all the same."""

    async def permit(self: order_permit.OrderPermit) -> None:
        with suppress(JournalUnavailable):
            await asyncio.shield(self.committed)

    return patch.object(order_permit.OrderPermit, "__call__", permit)


def refused_cancel_is_a_cancel() -> AbstractContextManager[Any]:
    """A refused cancel means that the order is gone."""

    async def look_up(self: OrderGateway, order: Order) -> Order:
        await asyncio.sleep(0)
        current = self._tracker.get(order.order_id) or order
        if not current.is_open:
            return current
        return self._tracker.settle(order.order_id, OrderState.CANCELED, "gone", {})

    return patch.object(OrderGateway, "_look_up", look_up)


def lacking_trades_forgotten() -> AbstractContextManager[Any]:
    """A restart does not look for the trades that closed orders lack."""
    return patch.object(recovery, "RECENT", 0)


def live_without_preconditions() -> AbstractContextManager[Any]:
    """Live is had for the asking."""

    async def nothing(*_: object) -> list[FailedPrecondition]:
        await asyncio.sleep(0)
        return []

    return patch.object(LivePreconditions, "check", nothing)


def paper_goes_on() -> AbstractContextManager[Any]:
    """A switch to paper does not start the paper account from the live one."""
    return patch.object(PaperAccount, "start_from_live", lambda _: None)


def paper_by_the_clock() -> AbstractContextManager[Any]:
    """After a restart, what clocks say tells the paper account's trades from those before it."""
    return patch.object(
        recovery, "_is_since", lambda start, it: start is None or it.fill.at_ns > start.at_ns
    )


def paper_orders_not_put_back() -> AbstractContextManager[Any]:
    """A restart puts no paper order back, and says nothing of it."""
    return patch.object(PaperExchange, "_put_back", lambda *_: None)


_CHECK: Final = Fence.check
_APPLY: Final = OrderTracker.apply
_MERGED: Final = OrderTracker._merged
_DECIDE: Final = start_mode.decide
_CHANGE: Final = OrderJournal.change
_TO_PAPER: Final = ModeController.to_paper

MUTATIONS: Final[dict[str, Mutation]] = {
    mutation.__name__: mutation
    for mutation in (
        no_fence,
        fence_without_file,
        no_journal_before_wire,
        fills_not_deduplicated,
        fills_booked_again,
        states_move_backwards,
        filled_shrinks,
        unknown_is_rejected,
        no_patience,
        no_lookup,
        no_halt,
        counted_before_commit,
        metrics_not_restored,
        positions_not_restored,
        orders_not_restored,
        unanswered_forgotten,
        no_reconciliation_of_orders,
        no_reconciliation_of_trades,
        changes_not_repeated,
        paper_while_going_live_ignored,
        halt_not_lifted,
        no_fence_file,
        unjournalled_is_sent,
        refused_cancel_is_a_cancel,
        lacking_trades_forgotten,
        live_without_preconditions,
        paper_goes_on,
        paper_by_the_clock,
        paper_orders_not_put_back,
    )
}
"""By name."""

RELEVANT: Final[dict[str, Callable[[Scenario], bool]]] = {
    "no_fence_file": lambda scenario: bool(_weathers(scenario) & set(BAD_DISKS)),
    "paper_while_going_live_ignored": lambda scenario: (
        Act.TO_LIVE in _acts(scenario) and bool(_acts(scenario) & PAPER)
    ),
}
"""Which runs can notice at all, where that is few: the others need not be played."""


def _weathers(scenario: Scenario) -> set[str]:
    return {spell.name for spell in scenario.spells}


def _acts(scenario: Scenario) -> set[Act]:
    return {action.act for action in scenario.actions}
