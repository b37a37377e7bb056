from pathlib import Path

import pytest

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.journal_file import read_modes
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.proofs.killing import prove_killing, prove_killing_under_faults

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROUNDS = 4
CRASHES = 3


def test_engine_killed_under_load_accounts_for_every_order(user_home: Path) -> None:
    proof = prove_killing(user_home, rounds=ROUNDS, seed=4)
    assert proof.rounds == ROUNDS
    assert proof.orders > ROUNDS
    assert proof.fills > 0


def test_engine_killed_three_times_starts_on_paper(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    for _ in range(CRASHES):
        with EngineProcess(simulator, user_home) as engine:
            assert engine.status()["mode"] == "live"
            engine.kill()
    with EngineProcess(simulator, user_home) as engine:
        status = engine.until_trading("paper")
        assert status["mode_reason"] == "3 crashes in 10 minutes"
        assert engine.fence.exists()
        assert read_modes(engine.database)[-1][:2] == ("paper", "crash_loop")


def test_engine_killed_while_the_wire_fails_accounts_for_every_order(user_home: Path) -> None:
    proof = prove_killing_under_faults(user_home, rounds=ROUNDS, seed=7)
    assert proof.rounds == ROUNDS
    assert proof.orders > ROUNDS
    assert proof.fills > 0
