from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.proofs.switch_under_load import (
    SwitchProof,
    prove_socket_switching,
    prove_switching,
    prove_websocket_switching,
)

pytestmark = pytest.mark.e2e

ROUNDS = 6


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("prove", "way"),
    [
        (prove_switching, "rest"),
        (prove_socket_switching, "rest"),
        (prove_websocket_switching, "ws-api"),
    ],
)
def test_switch_to_paper_under_load_lets_no_live_order_leave_after_it_is_acknowledged(
    user_home: Path, prove: Callable[..., SwitchProof], way: str
) -> None:
    proof = prove(user_home, rounds=ROUNDS, seed=1)
    assert proof.violations == []
    assert proof.rounds == ROUNDS
    assert proof.orders_received >= ROUNDS
    assert proof.outcomes["paper accepted"] + proof.outcomes["paper filled"] >= ROUNDS
    assert max(proof.ways, key=proof.ways.__getitem__) == way
    assert not proof.errors
