import asyncio
import gc
import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.errors import NotSent, OrderRefused, OutcomeUnknown
from cryptobot.domain.mode import Mode, ModeTrigger, TradingState
from cryptobot.domain.order import OrderState
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import ModeChange
from cryptobot.trading import mode_controller
from cryptobot.trading.mode_controller import FailedPrecondition, LiveRefused, Switched
from telemetry.testing import capture_logs

from .order_path import BALANCES_READ_NS, OrderPath
from .scripted_venue import Outcome, a_report

S = OrderState


async def to_paper(path: OrderPath, *, cancel_open: bool = False) -> Switched:
    return await path.modes.to_paper(
        reason="broken", actor="ann", trigger=ModeTrigger.OPERATOR, cancel_open=cancel_open
    )


async def to_live(path: OrderPath) -> Switched:
    return await path.modes.to_live(reason="mended", actor="ann", confirm="main")


async def last_mode(path: OrderPath) -> Mode | None:
    """Return the mode a next start would find, after all that was submitted is there."""
    await path.place()
    await path.orders.drain()
    stored = await (await path.caught_up()).last_mode()
    return None if stored is None else stored.to_mode


class TestToPaper:
    async def test_switch_changes_memory_file_and_journal_and_tells(self, path: OrderPath) -> None:
        told: list[tuple[Mode, Mode]] = []
        path.hooks.changed.append(lambda status, before: told.append((before, status.mode)))
        switched = await to_paper(path)
        assert path.modes.mode is switched.status.mode is Mode.PAPER
        assert path.modes.to_wire()["fenced"] is True
        assert json.loads(path.fence_file.read_text())["actor"] == "ann"
        stored = await (await path.caught_up()).last_mode()
        assert stored is not None
        assert (stored.from_mode, stored.to_mode, stored.reason) == (
            Mode.LIVE,
            Mode.PAPER,
            "broken",
        )
        assert path.paper_accounts_started == 1
        assert switched.paper_from_ns == BALANCES_READ_NS
        assert told == [(Mode.LIVE, Mode.PAPER)]

    async def test_switch_again_is_acknowledged_and_journals_nothing_more(
        self, path: OrderPath
    ) -> None:
        await to_paper(path)
        path.fence_file.unlink()
        with capture_logs() as logs:
            again = await to_paper(path)
        [line] = logs.of("paper_asked_again")
        assert (line["reason"], line["actor"]) == ("broken", "ann")
        assert again.status.mode is Mode.PAPER
        assert again.paper_from_ns is None
        assert path.fence_file.exists()
        assert len(await (await path.caught_up()).mode_changes()) == 1
        assert path.paper_accounts_started == 1

    async def test_switch_with_open_live_orders_reports_and_keeps_them(
        self, path: OrderPath
    ) -> None:
        order = await path.place()
        switched = await to_paper(path)
        assert switched.open_live_orders == (order,)
        assert path.live.cancels == []

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            (lambda request: a_report(request.client_order_id), "accepted"),
            (lambda _: OrderRefused("no", "invalid_order"), "rejected"),
            (lambda _: OutcomeUnknown("?", "timeout"), "still_unknown"),
            (lambda _: NotSent("no route", "network"), "rejected"),
        ],
    )
    async def test_switch_with_an_order_that_has_left_waits_and_reports_its_end(
        self, path: OrderPath, answer: object, outcome: str
    ) -> None:
        path.live.answer = answer  # type: ignore[assignment]
        path.live.reply = asyncio.Event()
        caller = asyncio.create_task(path.place())
        await path.live.left.wait()
        switch = asyncio.create_task(to_paper(path))
        await path.asked_paper.wait()
        path.live.reply.set()
        assert [item.outcome for item in (await switch).in_flight] == [outcome]
        await caller

    async def test_switch_with_an_answer_that_does_not_come_says_still_unknown(
        self, path: OrderPath, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mode_controller, "IN_FLIGHT_WAIT_S", 0.01)
        path.live.reply = asyncio.Event()
        caller = asyncio.create_task(path.place())
        await path.live.left.wait()
        switched = await to_paper(path)
        assert [item.outcome for item in switched.in_flight] == ["still_unknown"]
        assert len(switched.open_live_orders) == 1
        path.live.reply.set()
        assert (await caller).state is S.ACCEPTED

    async def test_switch_with_an_intent_that_cannot_be_journalled_says_it_never_left(
        self, path: OrderPath
    ) -> None:
        with path.journal_locked():
            caller = asyncio.create_task(path.place())
            await path.live.arrived.wait()
            switched = await to_paper(path)
        assert [item.outcome for item in switched.in_flight] == ["stopped_before_wire"]
        await asyncio.gather(caller, return_exceptions=True)
        assert path.live.on_the_wire == []

    async def test_switch_with_cancel_open_cancels_every_live_order_and_names_them(
        self, path: OrderPath
    ) -> None:
        orders = [await path.place() for _ in range(3)]
        stubborn = orders[1].client_order_id

        def cancelled(client_id: str) -> Outcome:
            if client_id == stubborn:
                return RuntimeError("the client broke")
            return a_report(client_id, S.CANCELED)

        path.live.cancel_answer = cancelled
        switched = await to_paper(path, cancel_open=True)
        assert {order.order_id for order in switched.canceled} == {
            orders[0].order_id,
            orders[2].order_id,
        }
        assert [order.order_id for order in switched.open_live_orders] == [orders[1].order_id]

    async def test_switch_with_a_silent_exchange_and_cancel_open_ends_within_two_seconds(
        self,
    ) -> None:
        assert (
            mode_controller.JOURNAL_WAIT_S + mode_controller.IN_FLIGHT_WAIT_S
            <= mode_controller.ACKNOWLEDGE_S
            < 2.0  # the ops script's time-out
        )
        assert (
            mode_controller.JOURNAL_WAIT_S
            + mode_controller.CANCELLING_IN_FLIGHT_WAIT_S
            + mode_controller.CANCEL_WAIT_S
            <= mode_controller.ACKNOWLEDGE_S
        )

    async def test_switch_with_a_cancelled_caller_has_happened_all_the_same(
        self, path: OrderPath
    ) -> None:
        path.live.reply = asyncio.Event()
        order = asyncio.create_task(path.place())
        await path.live.left.wait()
        switch = asyncio.create_task(to_paper(path))
        await path.asked_paper.wait()
        switch.cancel()
        await asyncio.gather(switch, return_exceptions=True)
        assert path.modes.mode is Mode.PAPER
        assert path.fence_file.exists()
        path.live.reply.set()
        await order
        await path.orders.drain()
        stored = await (await path.caught_up()).last_mode()
        assert stored is not None
        assert stored.to_mode is Mode.PAPER

    async def test_switch_with_a_journal_that_hangs_is_acknowledged_and_recorded_later(
        self, tmp_path: Path, clock: ManualClock
    ) -> None:
        url = f"sqlite:///{tmp_path / 'cryptobot.db'}"
        async with Journal.open(url, clock=clock, busy_timeout_ms=60_000) as journal:
            path = OrderPath(journal, tmp_path, clock)
            with path.journal_locked():
                switched = await to_paper(path)
                assert switched.status.mode is Mode.PAPER
                assert path.fence_file.exists()
                assert await journal.last_mode() is None
            await journal.record_mode(  # behind the one that hung
                ModeChange(clock.now_ns(), Mode.PAPER, Mode.PAPER, ModeTrigger.START, "r", "a")
            )
            changes = await journal.mode_changes()
            assert [change.from_mode for change in changes] == [Mode.PAPER, Mode.LIVE]

    async def test_switch_with_a_journal_that_fails_still_fences(self, path: OrderPath) -> None:
        with path.journal_locked():
            switched = await to_paper(path)
        assert switched.status.mode is Mode.PAPER
        assert path.fence_file.exists()

    async def test_switch_with_a_fence_file_that_cannot_be_written_holds_in_memory(
        self, path: OrderPath
    ) -> None:
        path.fence._path = str(path.state_dir / "missing" / "PAPER_ONLY")
        assert (await to_paper(path)).status.mode is Mode.PAPER
        assert path.modes.fenced is False
        assert (await path.place()).mode is Mode.PAPER

    async def test_switch_with_a_room_that_breaks_still_fences_journals_and_tells_the_rest(
        self, path: OrderPath
    ) -> None:
        told: list[Mode] = []

        def broken(*_: object) -> None:
            raise RuntimeError("a room broke")

        path.hooks.start_paper_account = broken
        path.hooks.changed.append(broken)
        path.hooks.changed.append(lambda status, _: told.append(status.mode))
        switched = await to_paper(path)
        assert switched.status.mode is Mode.PAPER
        assert path.fence_file.exists()
        assert told == [Mode.PAPER]
        assert await (await path.caught_up()).last_mode() is not None

    async def test_switch_from_halted_live_lets_paper_trade(self, path: OrderPath) -> None:
        path.halted()
        await to_paper(path)
        assert path.modes.trading_state is TradingState.ACTIVE
        assert (await path.place()).state is S.ACCEPTED
        assert path.live.on_the_wire == []


class TestToLive:
    @pytest.fixture(autouse=True)
    async def _on_paper(self, path: OrderPath) -> None:
        await to_paper(path)
        path.clock.advance(1)

    async def test_switch_with_nothing_in_the_way_opens_the_fence(self, path: OrderPath) -> None:
        switched = await to_live(path)
        assert (switched.status.mode, path.modes.mode) == (Mode.LIVE, Mode.LIVE)
        assert not path.fence_file.exists()
        assert path.modes.trading_state is TradingState.ACTIVE
        stored = await (await path.caught_up()).last_mode()
        assert stored is not None
        assert (stored.from_mode, stored.to_mode) == (Mode.PAPER, Mode.LIVE)
        assert (await path.place()).mode is Mode.LIVE

    async def test_order_that_waited_through_a_switch_never_leaves_though_live_is_back(
        self, path: OrderPath
    ) -> None:
        path.live.queue = asyncio.Event()
        await to_live(path)
        waiting = asyncio.create_task(path.place())
        await path.live.arrived.wait()
        await to_paper(path)
        await to_live(path)
        path.live.queue.set()
        order = await waiting
        assert (order.state, order.mode) == (S.DENIED, Mode.LIVE)
        assert "since the order was accepted" in (order.reason or "")
        assert path.live.on_the_wire == []

    async def test_switch_that_waited_for_another_does_not_lift_a_fence_newer_than_its_wish(
        self, path: OrderPath
    ) -> None:
        path.checking = asyncio.Event()
        first = asyncio.create_task(to_live(path))
        await path.asked_live.wait()
        second = asyncio.create_task(to_live(path))
        await asyncio.sleep(0)
        path.fence_file.unlink(missing_ok=True)
        path.fence_file.touch()
        path.checking.set()
        for refused in await asyncio.gather(first, second, return_exceptions=True):
            assert isinstance(refused, LiveRefused)
            assert "in the meantime" in str(refused)
        assert path.fence_file.exists()
        assert path.modes.mode is Mode.PAPER

    async def test_switch_with_preconditions_failing_names_each_and_changes_nothing(
        self, path: OrderPath
    ) -> None:
        path.blockers = [
            FailedPrecondition("keys", "there are none"),
            FailedPrecondition("confirmation", "it said nothing"),
        ]
        with pytest.raises(LiveRefused, match="keys: there are none; confirmation") as refused:
            await to_live(path)
        assert refused.value.failed == tuple(path.blockers)
        assert path.modes.mode is Mode.PAPER
        assert path.fence_file.exists()
        assert len(await (await path.caught_up()).mode_changes()) == 1

    async def test_switch_with_paper_asked_for_meanwhile_stays_on_paper(
        self, path: OrderPath
    ) -> None:
        path.checking = asyncio.Event()
        going = asyncio.create_task(to_live(path))
        await path.asked_live.wait()
        await to_paper(path)
        path.checking.set()
        with pytest.raises(LiveRefused, match="in the meantime"):
            await going
        assert path.modes.mode is Mode.PAPER
        assert path.fence_file.exists()
        assert await last_mode(path) is Mode.PAPER

    async def test_switch_with_a_journal_that_fails_is_refused(self, path: OrderPath) -> None:
        with path.journal_locked(), pytest.raises(LiveRefused, match="health"):
            await to_live(path)
        assert path.modes.mode is Mode.PAPER
        assert path.fence_file.exists()

    async def test_switch_with_a_fence_file_that_cannot_be_removed_is_refused(
        self, path: OrderPath
    ) -> None:
        path.fence_file.unlink()
        path.fence_file.mkdir()
        with pytest.raises(LiveRefused, match="fence"):
            await to_live(path)
        assert path.modes.mode is Mode.PAPER
        assert await last_mode(path) is Mode.PAPER

    async def test_switch_with_a_caller_that_goes_away_while_it_is_checked_stays_on_paper(
        self, path: OrderPath
    ) -> None:
        path.checking = asyncio.Event()
        going = asyncio.create_task(to_live(path))
        await path.asked_live.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        assert path.modes.mode is Mode.PAPER
        path.checking.set()
        assert (await to_live(path)).status.mode is Mode.LIVE

    async def test_switch_with_the_fence_file_touched_while_it_is_checked_stays_on_paper(
        self, path: OrderPath
    ) -> None:
        path.checking = asyncio.Event()
        going = asyncio.create_task(to_live(path))
        await path.asked_live.wait()
        os.utime(path.fence_file, ns=(1, 1))
        path.checking.set()
        with pytest.raises(LiveRefused, match="in the meantime"):
            await going
        assert path.fence_file.exists()
        assert await last_mode(path) is Mode.PAPER

    async def test_switch_taken_back_with_a_journal_that_fails_leaves_nothing_unhandled(
        self, path: OrderPath, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unhandled: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, error: unhandled.append(error))
        with ExitStack() as stack:

            def fail() -> None:
                stack.enter_context(path.journal_locked())
                raise OSError("read-only file system")

            monkeypatch.setattr(path.fence, "disarm", fail)
            with pytest.raises(LiveRefused, match="read-only"):
                await to_live(path)
            lost = asyncio.Event()
            path.journal.on_availability(lambda *_: lost.set())
            await lost.wait()
        await path.journal.wait_available()
        gc.collect()
        assert unhandled == []

    async def test_switch_again_answers_without_checking(self, path: OrderPath) -> None:
        await to_live(path)
        path.blockers = [FailedPrecondition("keys", "there are none")]
        assert (await to_live(path)).status.mode is Mode.LIVE

    async def test_switch_back_and_forth_starts_the_paper_account_each_time(
        self, path: OrderPath, tmp_path: Path
    ) -> None:
        await to_live(path)
        await to_paper(path)
        assert path.paper_accounts_started == 2
        assert (tmp_path / "PAPER_ONLY").exists()


async def test_trading_state_with_a_change_tells_once(path: OrderPath) -> None:
    told: list[TradingState] = []
    path.hooks.changed.append(lambda *_: told.append(path.modes.trading_state))
    path.modes.set_trading_state(TradingState.HALTED)
    path.modes.set_trading_state(TradingState.HALTED)
    path.modes.set_trading_state(TradingState.ACTIVE)
    assert told == [TradingState.HALTED, TradingState.ACTIVE]
