"""From starting the engine's process to its control socket and to its exchange."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.processes import (
    Simulator,
    answers,
    engine_command,
    engine_environment,
    environment,
    exchange_up,
    running,
    simulator,
    wait_for,
)
from bench.result import Bench, Result


def run(bench: Bench) -> list[Result]:
    """Start engines and bare imports in turns."""
    answering: list[float] = []
    connected: list[float] = []
    imports: list[float] = []
    folder = bench.folder("engine_start")
    with simulator(folder) as venue:
        for turn in range(bench.times(7, 2)):
            imports.append(_import_s())
            first, second = _start_s(venue, bench.folder(f"engine-{turn}"))
            answering.append(first)
            connected.append(second)
            bench.say(f"answers after {first:.2f} s, connected after {second:.2f} s")
    against = "python -c 'import ccxt.pro'"
    baseline = median(imports)
    return [
        Result("engine_start.answers", median(answering), "s", baseline, against),
        Result("engine_start.connected", median(connected), "s", baseline, against),
    ]


def _import_s() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import ccxt.pro"], check=True, env=environment())
    return time.perf_counter() - began


def _start_s(venue: Simulator, folder: Path) -> tuple[float, float]:
    state_dir = folder / "state"
    command = engine_command(venue, state_dir)
    began = time.perf_counter()
    with running(command, folder / "engine.err", engine_environment()):
        wait_for(lambda: answers(state_dir) is not None, "the control socket")
        answering = time.perf_counter() - began
        wait_for(lambda: exchange_up(state_dir), "the exchange")
        return answering, time.perf_counter() - began
