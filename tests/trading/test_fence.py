"""After the fence is closed no live order leaves, wherever it waits."""

import asyncio
import json
from pathlib import Path

import pytest

from cryptobot.domain.errors import FenceClosed
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.order import OrderState
from cryptobot.trading.fence import Fence
from cryptobot.trading.mode_controller import ModeStatus

from .order_path import BALANCES_READ_NS, OrderPath

S = OrderState


async def test_switch_with_an_order_waiting_for_a_connection_stops_it_and_says_so(
    path: OrderPath,
) -> None:
    path.live.queue = asyncio.Event()
    caller = asyncio.create_task(path.place())
    await path.live.arrived.wait()
    switch = asyncio.create_task(
        path.modes.to_paper(reason="test", actor="me", trigger=ModeTrigger.OPERATOR)
    )
    await path.asked_paper.wait()
    path.live.queue.set()
    switched = await switch
    assert [(item.order.state, item.outcome) for item in switched.in_flight] == [
        (S.DENIED, "stopped_before_wire")
    ]
    assert (await caller).reason == "fence: the mode is paper"
    assert path.live.on_the_wire == []
    assert path.denials == ["fence"]


async def test_fence_with_a_switch_between_leave_and_the_last_look_stops_the_order(
    path: OrderPath,
) -> None:
    def switch_now(_: object) -> None:
        path.modes.status = ModeStatus(Mode.PAPER, 0, "now", "me", ModeTrigger.OPERATOR)

    path.live.at_permit = switch_now
    assert (await path.place()).state is S.DENIED
    assert path.live.on_the_wire == []


async def test_fence_file_alone_stops_live_orders_while_the_mode_says_live(
    path: OrderPath,
) -> None:
    path.fence_file.touch()
    order = await path.place()
    assert path.modes.mode is Mode.LIVE
    assert (order.state, order.failed) == (S.DENIED, False)
    assert "PAPER_ONLY" in (order.reason or "")
    assert path.live.on_the_wire == []


async def test_fence_file_made_while_an_order_waits_stops_it(path: OrderPath) -> None:
    path.live.at_permit = lambda _: path.fence_file.touch()
    assert (await path.place()).state is S.DENIED
    assert path.live.on_the_wire == []


async def test_watch_with_the_file_appearing_switches_to_paper(path: OrderPath) -> None:
    watch = asyncio.create_task(path.modes.watch_fence_file())
    path.fence_file.touch()
    async with asyncio.timeout(10):
        await path.asked_paper.wait()
    watch.cancel()
    status = path.modes.status
    assert (status.mode, status.trigger) == (Mode.PAPER, ModeTrigger.FENCE_FILE)


async def test_switch_right_after_the_file_was_seen_says_who_and_why(path: OrderPath) -> None:
    await path.modes.to_paper(reason="the file", actor="fence file", trigger=ModeTrigger.FENCE_FILE)
    switched = await path.modes.to_paper(
        reason="on call", actor="ann", trigger=ModeTrigger.OPERATOR
    )
    assert switched.paper_from_ns == BALANCES_READ_NS  # of this very switch
    status = path.modes.status
    assert (status.reason, status.actor, status.trigger) == ("on call", "ann", "operator")


class TestFile:
    def _fence(self, directory: Path, mode: Mode = Mode.LIVE) -> Fence:
        return Fence(directory / "PAPER_ONLY", lambda: mode)

    def test_arm_writes_who_and_why_for_the_user_only(self, tmp_path: Path) -> None:
        self._fence(tmp_path).arm(reason="r", actor="a", at_ns=0)
        file = tmp_path / "PAPER_ONLY"
        assert json.loads(file.read_text()) == {
            "reason": "r",
            "actor": "a",
            "at": "1970-01-01T00:00:00.000Z",
        }
        assert file.stat().st_mode & 0o777 == 0o600

    def test_arm_with_an_existing_file_keeps_it(self, tmp_path: Path) -> None:
        (tmp_path / "PAPER_ONLY").write_text("by hand")
        self._fence(tmp_path).arm(reason="r", actor="a", at_ns=0)
        assert (tmp_path / "PAPER_ONLY").read_text() == "by hand"

    def test_check_with_the_fence_open_returns_and_with_either_half_closed_raises(
        self, tmp_path: Path
    ) -> None:
        self._fence(tmp_path).check()
        with pytest.raises(FenceClosed, match="mode is paper"):
            self._fence(tmp_path, Mode.PAPER).check()
        (tmp_path / "PAPER_ONLY").mkdir()
        with pytest.raises(FenceClosed, match="exists"):
            self._fence(tmp_path).check()

    def test_check_with_a_dangling_link_is_fenced(self, tmp_path: Path) -> None:
        (tmp_path / "PAPER_ONLY").symlink_to(tmp_path / "nowhere")
        with pytest.raises(FenceClosed):
            self._fence(tmp_path).check()

    def test_check_with_a_state_directory_that_cannot_be_read_is_fenced(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        assert self._fence(tmp_path / "file").file_present

    def test_disarm_removes_the_file_and_takes_a_missing_one(self, tmp_path: Path) -> None:
        fence = self._fence(tmp_path)
        fence.arm(reason="r", actor="a", at_ns=0)
        fence.disarm()
        fence.disarm()
        fence.check()
