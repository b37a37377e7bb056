"""An operator learns the product: faults from the menu, on a real engine and simulated exchange."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from cryptobot.domain.order import OrderState
from cryptobot.gui.banner_state import Face
from cryptobot.gui.health_checks import Subject
from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.gui.conftest import OpenWindow
from tests.gui.test_window_health import wait_word, word

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WAIT_MS = 60_000
QUICK = ("exchange.timeout_s=2", "failover.exchange_down_s=2")
"""Seconds where a demo takes ten and thirty."""


@pytest.fixture
def simulator(user_home: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(user_home / "sim") as started:
        yield started


@pytest.fixture
def trading(simulator: SimulatorProcess, user_home: Path) -> Iterator[EngineProcess]:
    with EngineProcess(simulator, user_home, settings=QUICK) as started:
        started.until_trading()
        yield started


def test_silent_order_is_seen_unresolved_then_settled_and_a_ban_ends_on_paper(
    simulator: SimulatorProcess, trading: EngineProcess, open_window: OpenWindow, qtbot: QtBot
) -> None:
    address = trading.state_dir / "simulator.address"
    address.write_text(f"127.0.0.1:{simulator.port}\n")
    window = open_window(where=trading.state_dir, simulator=address)
    qtbot.waitUntil(lambda: window.panels.banner.face is Face.SIMULATED, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not window.simulator_menu.hint.isVisible(), timeout=WAIT_MS)
    wait_word(qtbot, window, Subject.FAILOVER, "armed")

    window.simulator_menu.preset("accepted_then_silent").trigger()
    simulators = window.simulator
    assert simulators is not None
    qtbot.waitUntil(lambda: bool(simulators.faults), timeout=WAIT_MS)
    ticket = window.panels.ticket
    qtbot.waitUntil(lambda: ticket.symbol.count() > 0, timeout=WAIT_MS)
    ticket.amount.setText("0.001")
    ticket.price.setText("60000")
    qtbot.waitUntil(ticket.submit.isEnabled, timeout=WAIT_MS)
    ticket.submit.click()
    wait_word(qtbot, window, Subject.UNRESOLVED, "1")
    qtbot.waitUntil(lambda: word(window, Subject.ENGINE) == "degraded", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: word(window, Subject.UNRESOLVED) == "none", timeout=WAIT_MS)
    (order,) = window.session.state.orders.values()
    assert order.state is OrderState.ACCEPTED
    (received,) = simulator.orders()
    assert received["order_id"] == int(order.exchange_order_id)

    window.simulator_menu.clear_action.trigger()
    qtbot.waitUntil(lambda: not simulators.faults, timeout=WAIT_MS)
    window.simulator_menu.preset("ban").trigger()
    qtbot.waitUntil(lambda: window.panels.banner.face is Face.PAPER, timeout=WAIT_MS)
    wait_word(qtbot, window, Subject.FAILOVER, "fell back")
    assert "418" in window.panels.health.check(Subject.FAILOVER).summary
    wait_word(qtbot, window, Subject.LIVE, "blocked")
