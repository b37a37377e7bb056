"""Proof by simulation: thousands of seeded runs, each judged at every step.

``CRYPTOBOT_SIMULATION_SEED`` sets the first seed, ``CRYPTOBOT_SIMULATION_RUNS`` how many. A failed
run prints the line that replays it.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from cryptobot.domain.order import OrderState

from .chunk import ROOT, elsewhere
from .place import Place
from .run import play
from .scenario import Act, Moment, draw
from .weather import WEATHERS

# At import: the fixture of all tests takes the user's variables away.
FIRST_SEED: Final = int(os.environ.get("CRYPTOBOT_SIMULATION_SEED", "0"))
RUNS: Final = int(os.environ.get("CRYPTOBOT_SIMULATION_RUNS", "2000"))
CHUNK: Final = 50
"""Runs in one test: xdist spreads tests."""


@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + RUNS, CHUNK))
def test_run_with_each_seed_keeps_every_invariant(first: int) -> None:
    told = elsewhere("model", first, min(CHUNK, FIRST_SEED + RUNS - first))
    assert not told["broken"], "\n\n".join(told["broken"])
    # A chunk in which nothing goes wrong proves nothing.
    usual = set(OrderState) - {OrderState.INITIALIZED, OrderState.EXPIRED}
    missing = {state for state in usual if f"live {state}" not in told["seen"]}
    assert missing <= {OrderState.PARTIALLY_FILLED}  # which a chunk in twenty misses by chance
    assert told["seen"]["crash"]


def test_scenarios_draw_everything_there_is() -> None:
    scenarios = [draw(seed) for seed in range(FIRST_SEED, FIRST_SEED + 300)]
    acts = {action.act for scenario in scenarios for action in scenario.actions}
    assert acts == set(Act)
    assert {spell.name for scenario in scenarios for spell in scenario.spells} == set(WEATHERS)
    crashes = [crash for scenario in scenarios for crash in scenario.crashes]
    assert {crash.moment for crash in crashes} == set(Moment)
    assert {crash.power for crash in crashes} == {False, True}
    assert {scenario.starts_live for scenario in scenarios} == {False, True}


@pytest.mark.parametrize("seed", [3, 57, 103, 272])
def test_run_replayed_is_the_same_to_the_last_event(place: Place, seed: int) -> None:
    first = play(seed, place)
    in_the_way = []
    for again in range(3):
        # Where things lie in memory must not matter: by it an ordinary set orders its members.
        in_the_way.append(_memory_in_disorder(Random(again)))
        second = play(seed, place)
        assert first.trace == second.trace
        assert first.seen == second.seen
        assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("seed", [7, 83, 272])
def test_run_replayed_by_the_printed_command_is_the_same_in_another_process(
    place: Place, seed: int
) -> None:
    outcome = play(seed, place)
    for hash_seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-m", "tests.simulation", str(seed)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert f"fingerprint {outcome.fingerprint}" in told.stdout


def _memory_in_disorder(rng: Random) -> list[object]:
    """Take memory in pieces of many sizes, and give most of them back in disorder."""
    makers: list[Callable[[], object]] = [
        lambda: bytes(rng.randrange(512)),
        lambda: [0] * rng.randrange(40),
        lambda: dict.fromkeys(range(rng.randrange(9))),
        set,
        Exception,
    ]
    pieces = [rng.choice(makers)() for _ in range(20_000)]
    rng.shuffle(pieces)
    return pieces[:3_000]
