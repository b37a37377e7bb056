# ruff: noqa: T201 - a program prints
"""Replay a run, or play many: ``python -m tests.simulation SEED [--trace]``."""

import argparse
import sys
import time

from .place import a_place
from .run import TIERS, play


def main() -> int:
    """Play the runs asked for; 1 when one is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, help="the run, or the first one")
    parser.add_argument("--runs", type=int, default=1, help="how many, one seed after the other")
    parser.add_argument("--trace", action="store_true", help="print every event and log line")
    parser.add_argument("--tier", choices=TIERS, default="model", help="how deep (default model)")
    asked = parser.parse_args()
    outcomes = []
    began = time.process_time()
    with a_place() as place:
        for seed in range(asked.seed, asked.seed + asked.runs):
            outcome = play(seed, place, print if asked.trace else None, tier=asked.tier)
            if outcome.broken:
                print(f"seed {seed}: {outcome.broken[0]}")
            outcomes.append(bool(outcome.broken))
            if asked.runs == 1:
                print(f"fingerprint {outcome.fingerprint}")
    seconds = time.process_time() - began
    broken = sum(outcomes)
    print(f"{asked.runs} runs, {broken} broken, {asked.runs / seconds:.1f} runs a CPU second")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
