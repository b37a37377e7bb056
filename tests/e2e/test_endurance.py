from pathlib import Path

import pytest

from tests.e2e.proofs.endurance import ENTRIES, prove_endurance

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROUNDS = 6


def test_engine_outlives_any_weather_without_a_restart(user_home: Path) -> None:
    proof = prove_endurance(user_home, rounds=ROUNDS, seed=40)
    assert proof.figures()["violations"] == 0, proof.wrong
    assert proof.rounds == ROUNDS
    assert proof.orders > ROUNDS
    assert proof.fills > 0
    assert sorted(proof.held) == sorted(ENTRIES)
