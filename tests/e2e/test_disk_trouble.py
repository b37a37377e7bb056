"""A disk that fails while live orders are open: live is left, nothing is sent, nothing is lost."""

import os
import signal
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cryptobot.control.protocol import ErrorCode, RpcError
from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import ACCOUNT, LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for
from tests.e2e.test_journal_unavailable import MARKET_BUY, no_file_may_grow, writer_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SETTINGS = (*LOAD_SETTINGS, "failover.journal_down_s=1")
ROOT_WITHOUT_ITS_RIGHTS = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")


def _obeying_permissions() -> Sequence[str]:
    """Return what makes the administrator obey files' permissions, as everybody else does."""
    return ROOT_WITHOUT_ITS_RIGHTS if os.geteuid() == 0 else ()


def _resting(engine: EngineProcess) -> dict[str, Any]:
    """Place a live order far from the market."""
    bid = engine.status()["market"]["BTC/USDT"]["bid"]
    order: dict[str, Any] = engine.call(
        "order.place",
        symbol="BTC/USDT",
        side="buy",
        type="limit",
        amount="0.001",
        price=str(int(float(bid) * 0.97)),
    )
    assert (order["mode"], order["state"]) == ("live", "accepted")
    return order


@contextmanager
def full_disk(engine: EngineProcess) -> Iterator[None]:
    """Make every write fail, of the engine as of its journal."""
    with ExitStack() as full:
        for pid in (engine.pid, writer_of(engine)):
            full.enter_context(no_file_may_grow(pid))
        yield


@contextmanager
def read_only_database(engine: EngineProcess) -> Iterator[None]:
    """Take the right to write from the database, as if its disk had been mounted read-only.

    What is open stays writable, so its writer has to open it anew.
    """
    files = sorted(engine.state_dir.glob("cryptobot.db*"))
    for file in files:
        file.chmod(stat.S_IRUSR)
    os.kill(writer_of(engine), signal.SIGKILL)
    try:
        yield
    finally:
        for file in files:
            if file.exists():
                file.chmod(stat.S_IRUSR | stat.S_IWUSR)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(full_disk, "disk"), (read_only_database, "attempt to write a readonly database")],
)
def test_live_orders_on_a_failing_disk_are_refused_with_the_reason_and_kept(
    trouble: Any, said: str, simulator: SimulatorProcess, user_home: Path
) -> None:
    with EngineProcess(
        simulator, user_home, settings=SETTINGS, prefix=_obeying_permissions()
    ) as engine:
        engine.until_trading()
        kept, cancelled = _resting(engine), _resting(engine)
        filled = engine.call("order.place", **MARKET_BUY)
        received = simulator.received()
        with trouble(engine):
            refused = wait_for("a refusal", lambda: _refusal(engine))
            assert refused.code == ErrorCode.JOURNAL_UNAVAILABLE
            assert refused.message.startswith("nothing was sent")
            status = engine.until("paper", lambda now: now["mode"] == "paper")
            assert status["mode_reason"].startswith("failover, journal_down: for ")
            assert said in status["mode_reason"]
            # A person can still take live orders back.
            answer = engine.call("order.cancel", order_id=cancelled["order_id"])
            assert answer["state"] == "canceled"
            assert simulator.received() <= received + 1  # the one that found out, at the most
            with pytest.raises(RpcError) as still:
                engine.call("mode.set", mode="live", reason="x", actor="test", confirm=ACCOUNT)
            assert "journal" in str(still.value.data)
        engine.until(
            "a writable journal",
            lambda now: now["health"]["components"]["journal"]["status"] == "ok",
        )
        assert engine.status()["mode"] == "paper"
        answered = {order["order_id"]: order for order in (kept, cancelled, filled)}
        until_agreed(engine, simulator, answered)
        assert engine.call("order.get", order_id=kept["order_id"])["state"] == "accepted"
        wait_for("live again", lambda: _live(engine))
        assert engine.call("order.place", **MARKET_BUY)["mode"] == "live"
        until_agreed(engine, simulator, answered)


def _refusal(engine: EngineProcess) -> RpcError | None:
    try:
        engine.call("order.place", **MARKET_BUY)
    except RpcError as error:
        return error
    return None


def _live(engine: EngineProcess) -> bool:
    try:
        engine.call("mode.set", mode="live", reason="x", actor="test", confirm=ACCOUNT)
    except RpcError as error:
        if error.code != ErrorCode.LIVE_REFUSED:
            raise
        return False
    return True
