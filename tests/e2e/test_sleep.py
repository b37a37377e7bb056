"""A laptop is closed for a minute while it trades, and its clock is wrong when it wakes up."""

import json
import os
import signal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.journal_file import read_modes
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for
from tests.e2e.test_journal_unavailable import MARKET_BUY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ASLEEP_S = 60
JUMP_S = 1.5
"""The exchange refuses what is more than a second ahead of it; our failover allows 2 s."""


def _own_wall_clock(offset: Path) -> list[str]:
    """Return the command under which a program's wall clock is off by what ``offset`` says."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return [
        "env",
        f"LD_PRELOAD={library}",
        f"FAKETIME_TIMESTAMP_FILE={offset}",
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "NO_FAKE_STAT=1",
    ]


def test_engine_asleep_for_a_minute_with_its_clock_put_forward_goes_on_by_itself(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    offset = user_home / "offset"
    offset.write_text("+0")
    with EngineProcess(
        simulator, user_home, settings=LOAD_SETTINGS, prefix=_own_wall_clock(offset)
    ) as engine:
        engine.until_trading()
        answered = [engine.call("order.place", **MARKET_BUY), _near_the_market(engine)]

        os.killpg(engine.pid, signal.SIGSTOP)
        # Not synchronisation: time passes, for the exchange too.
        Event().wait(ASLEEP_S)
        offset.write_text(f"+{JUMP_S}")
        os.killpg(engine.pid, signal.SIGCONT)

        wait_for("an order after it", lambda: _filled(engine, answered), deadline_s=45, poll_s=0.2)
        status = engine.until_trading("live")
        assert status["mode"] == "live"
        until_agreed(engine, simulator, {order["order_id"]: order for order in answered})
        assert engine.status()["mode"] == "live"
        assert read_modes(engine.database)[1:] == []
        slept_s = wait_for("that it slept", lambda: _woke_up_after(user_home / "logs"))
        assert slept_s >= ASLEEP_S - 1


def _near_the_market(engine: EngineProcess) -> dict[str, Any]:
    """Place an order that a minute of market will probably fill."""
    bid = engine.status()["market"]["BTC/USDT"]["bid"]
    intent = {**MARKET_BUY, "type": "limit", "price": bid}
    order: dict[str, Any] = engine.call("order.place", **intent)
    return order


def _filled(engine: EngineProcess, answered: list[dict[str, Any]]) -> bool:
    order = engine.call("order.place", **MARKET_BUY)
    answered.append(order)
    return bool(order["state"] == "filled")


def _woke_up_after(logs: Path) -> float:
    """Return for how long the engine says it slept."""
    records = [
        json.loads(line)
        for file in logs.glob("*.log")
        if not file.is_symlink()
        for line in file.read_text().splitlines()
    ]
    return max(
        (record["asleep_s"] for record in records if record["event"] == "woke_up"), default=0.0
    )
