"""Proof by simulation with nothing left out: the real client against the real simulator.

``CRYPTOBOT_SIMULATION_SEED`` sets the first seed, ``CRYPTOBOT_SIMULATION_WIRE_RUNS`` how many.
"""

import os
import subprocess
import sys
from typing import Final

import pytest

from cryptobot.domain.order import OrderState

from .chunk import ROOT, elsewhere
from .place import Place
from .run import play
from .wire_way import Fate

FIRST_SEED: Final = int(os.environ.get("CRYPTOBOT_SIMULATION_SEED", "0"))
RUNS: Final = int(os.environ.get("CRYPTOBOT_SIMULATION_WIRE_RUNS", "150"))
CHUNK: Final = 50


@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + RUNS, CHUNK))
def test_wire_run_with_each_seed_keeps_every_invariant(first: int) -> None:
    told = elsewhere("wire", first, min(CHUNK, FIRST_SEED + RUNS - first))
    assert not told["broken"], "\n\n".join(told["broken"])
    # A chunk in which nothing goes wrong proves nothing.
    seen = set(told["seen"])
    happened = {state for state in OrderState if f"live {state}" in seen}
    assert happened >= {
        OrderState.ACCEPTED,
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.DENIED,
        OrderState.UNRESOLVED,
    }
    assert told["seen"]["crash"]
    fates = {what.rpartition(" ")[2] for what in seen if what.startswith("sent ")}
    assert len(fates & {fate.name.lower() for fate in Fate}) >= 4
    assert len([what for what in seen if what.startswith("no connection ")]) >= 2


@pytest.mark.parametrize("seed", [57, 272])
def test_wire_run_replayed_is_the_same_to_the_last_event(place: Place, seed: int) -> None:
    first, second = (play(seed, place, tier="wire") for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert first.seen == second.seen
    assert first.trace == second.trace


@pytest.mark.parametrize("seed", [7, 272])
def test_wire_run_replayed_in_another_process_is_the_same(place: Place, seed: int) -> None:
    outcome = play(seed, place, tier="wire")
    for hash_seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-m", "tests.simulation", str(seed), "--tier", "wire"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert f"fingerprint {outcome.fingerprint}" in told.stdout
