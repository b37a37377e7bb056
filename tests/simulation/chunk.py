"""Many runs in one process."""

import gc
from collections import Counter

from .place import a_place
from .run import Outcome, play


def play_chunk(first: int, count: int) -> tuple[list[Outcome], Counter[str]]:
    """Play runs, one seed after the other; return the broken ones and what was seen in all."""
    broken: list[Outcome] = []
    seen: Counter[str] = Counter()
    gc.collect()
    gc.disable()  # it would look through every dead loop again and again
    try:
        with a_place() as place:
            for seed in range(first, first + count):
                outcome = play(seed, place)
                seen += outcome.seen
                if outcome.broken:
                    broken.append(outcome)
    finally:
        gc.enable()
        gc.collect()
    return broken, seen
