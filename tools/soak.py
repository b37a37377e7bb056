"""Play many simulated runs on all cores: ``make soak``, ``make soak ARGS="--runs 1000000"``.

One run of every ``--wire-every`` is of the tier of the wire, which takes five times as long. Seeds
are drawn anew each time unless ``--seed`` names the first. Exit code 1 when a run is broken; each
is printed with the line that replays it. Ctrl-C ends it with the count so far.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CHUNK: Final = 50
CHUNKS_A_PROCESS: Final = 20
"""Then a new one: what real ccxt and aiohttp leave behind in cut-off runs would grow for hours."""


def main() -> int:
    """Play, report as it goes, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None, help="the first run (default: random)")
    parser.add_argument(
        "--wire-every", type=int, default=20, help="chunks of which one is of the wire (default 20)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    first = random.SystemRandom().randrange(10**12) if asked.seed is None else asked.seed
    print(f"{asked.runs} runs from seed {first}, {asked.jobs} at a time", flush=True)
    began, done, broken = time.monotonic(), 0, 0
    chunks = [
        (
            "model" if number % asked.wire_every else "wire",
            start,
            min(CHUNK, first + asked.runs - start),
        )
        for number, start in enumerate(range(first, first + asked.runs, CHUNK))
    ]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    context = multiprocessing.get_context("spawn")
    with context.Pool(asked.jobs, _leave_stopping_to_us, (), CHUNKS_A_PROCESS) as pool:
        try:
            for count, reports in pool.imap_unordered(_played, chunks):
                done += count
                broken += len(reports)
                for report in reports:
                    print(report, flush=True)
                if done % (CHUNK * 20) < CHUNK or done == asked.runs:
                    rate = done / (time.monotonic() - began)
                    print(f"{done} runs, {broken} broken, {rate:.1f} runs a second", flush=True)
        except KeyboardInterrupt:
            print(f"stopped after {done} runs, {broken} broken", flush=True)
            return 1 if broken else 130
    return 1 if broken else 0


def _leave_stopping_to_us() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _played(chunk: tuple[str, int, int]) -> tuple[int, list[str]]:
    sys.path.insert(0, str(ROOT))  # the simulation lives with the tests
    from tests.simulation.chunk import play_chunk  # noqa: PLC0415 - after the line above

    tier, first, count = chunk
    outcomes, _ = play_chunk(tier, first, count)
    return count, [outcome.report() for outcome in outcomes]


if __name__ == "__main__":
    sys.exit(main())
