import random
import subprocess
import sys
from pathlib import Path

import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.order import OrderState
from cryptobot.journal.journal import Journal

_PROGRAM = Path(__file__).with_name("writer_program.py")
_ROOT = Path(__file__).parents[2]


def _start(url: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(_PROGRAM), url, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(_ROOT)},
    )


async def _check(url: str, clock: ManualClock, acknowledged: list[str]) -> None:
    """Every acknowledged record is there, every record is whole, and the view is the last event."""
    async with Journal.open(url, clock=clock) as journal:
        orders = {order.order_id: order for order in await journal.orders(limit=1_000_000)}
        filled = {entry.order_id for entry in await journal.fills(limit=1_000_000)}
        for line in acknowledged:
            order_id, what = line.split()
            assert order_id in orders
            if what == "filled":
                assert orders[order_id].state is OrderState.FILLED
        assert filled == {
            order.order_id for order in orders.values() if order.state is OrderState.FILLED
        }
        for order in orders.values():
            events = await journal.order_events(order.order_id)
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            assert events[-1].state is order.state


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_kill_with_records_in_flight_keeps_every_acknowledged_one(
    url: str, clock: ManualClock, seed: int
) -> None:
    process = _start(url, seed)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(random.Random(seed).randrange(50, 500))]
    process.kill()
    rest, errors = process.communicate()
    acknowledged = [line for line in [*lines, *rest.splitlines(keepends=True)] if line[-1:] == "\n"]
    assert errors == ""
    assert len(acknowledged) >= 50
    await _check(url, clock, acknowledged)


async def test_full_disk_in_the_middle_keeps_every_acknowledged_record_and_recovers(
    tmp_path: Path, clock: ManualClock
) -> None:
    url = f"sqlite:///{tmp_path}/cryptobot.db"
    process = _start(url, 1, 600_000)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    *acknowledged, last = out.splitlines()
    assert last.startswith("recovered from: journal write failed")
    assert len(acknowledged) > 10
    await _check(url, clock, acknowledged)
