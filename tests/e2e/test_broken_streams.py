"""A book that is not known is not traded on."""

from pathlib import Path

import pytest

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for
from tests.e2e.proofs.fault_matrix import MARKET_BUY, clear_faults, set_faults

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

_MARKET = {"channel": "market"}
_CUT_AND_KEPT_AWAY = (
    {"kind": "refuse_connect", "retry_after_s": 1},
    {"kind": "reset", "match": _MARKET, "for_s": 0},
)
_REFUSED = "429, message='Invalid response status'"


def test_orders_while_the_book_is_unknown_may_only_reduce_and_all_goes_on_after_it(
    simulator: SimulatorProcess, engine: EngineProcess, user_home: Path
) -> None:
    bought = engine.call("order.place", **MARKET_BUY)
    assert bought["state"] == "filled"
    set_faults(simulator, _CUT_AND_KEPT_AWAY)
    engine.until("no book", lambda now: all(one["bid"] is None for one in now["market"].values()))
    received = simulator.received()
    denied = engine.call("order.place", **MARKET_BUY)
    assert denied["state"] == "denied"
    assert denied["reason"].startswith("no_book: there is no current book of BTC/USDT: its stream")
    assert simulator.received() == received
    reducing = engine.call("order.place", **{**MARKET_BUY, "side": "sell", "amount": "0.0009"})
    assert (reducing["mode"], reducing["state"]) == ("live", "filled")

    log = user_home / "logs" / "engine.log"
    wait_for("the refusal in the log", lambda: _REFUSED in log.read_text())
    clear_faults(simulator)
    engine.until_trading()
    assert engine.call("order.place", **MARKET_BUY)["state"] == "filled"
