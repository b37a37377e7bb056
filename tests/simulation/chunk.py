"""Many runs in one process, of its own: measuring coverage there would take most of the time.

``python -m tests.simulation.chunk TIER FIRST COUNT`` plays runs and tells as JSON what was broken
and seen; ``... TIER MUTATION`` looks for the first run that notices a mutation.
"""

import gc
import json
import subprocess
import sys
from collections import Counter
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from .mutations import MUTATIONS, RELEVANT
from .place import a_place
from .run import Outcome, play
from .scenario import draw
from .wire_mutations import WIRE_MUTATIONS, WIRE_RELEVANT

MOST_RUNS: Final = 400
"""A mutation must be noticed within so many runs that can notice it, from seed 0."""

ROOT: Final = Path(__file__).resolve().parents[2]


def elsewhere(*asked: object) -> Any:
    """Return what this module tells when it is run in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.simulation.chunk", *map(str, asked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])


def first_noticing(tier: str, mutation: str) -> int | None:
    """Return the first seed whose run is broken by a mutation."""
    relevant = (RELEVANT | WIRE_RELEVANT).get(mutation)
    seeds = (seed for seed in count() if relevant is None or relevant(draw(seed)))
    with a_place() as place, (MUTATIONS | WIRE_MUTATIONS)[mutation]():
        tried = islice(seeds, MOST_RUNS)
        return next((seed for seed in tried if play(seed, place, tier=tier).broken), None)


def play_chunk(tier: str, first: int, count: int) -> tuple[list[Outcome], Counter[str]]:
    """Play runs, one seed after the other; return the broken ones and what was seen in all."""
    broken: list[Outcome] = []
    seen: Counter[str] = Counter()
    gc.collect()
    gc.disable()  # it would look through every dead loop again and again
    try:
        with a_place() as place:
            for seed in range(first, first + count):
                outcome = play(seed, place, tier=tier)
                seen += outcome.seen
                if outcome.broken:
                    broken.append(outcome)
    finally:
        gc.enable()
        gc.collect()
    return broken, seen


def main() -> None:
    """Do what the arguments ask for."""
    tier, what, *counted = sys.argv[1:]
    if counted:
        broken, seen = play_chunk(tier, int(what), int(counted[0]))
        told: object = {"broken": [it.report() for it in broken], "seen": dict(seen)}
    else:
        told = first_noticing(tier, what)
    sys.stdout.write(f"\n{json.dumps(told)}\n")


if __name__ == "__main__":
    main()
