"""What the demo costs while nobody does anything: processor and memory of engine and window."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psutil

from bench.display import display
from bench.processes import (
    Simulator,
    engine,
    engine_environment,
    environment,
    first_line,
    running,
    simulator,
)
from bench.result import Bench, Result
from bench.window_start import PROGRAM

SETTLE_S: Final = 8.0
WATCHER: Final = """
import asyncio, sys
sys.path.insert(0, "tools")
from pathlib import Path
from bench.market_events import watch_for_ever
from bench.processes import Simulator
watch_for_ever(Simulator(0, 0, int(sys.argv[1]), Path(sys.argv[2])))
"""


def run(bench: Bench) -> list[Result]:
    """Run demo, window and the bare programs they are compared with at the same time."""
    folder = bench.folder("idle")
    seconds = bench.times(20, 3)
    with ExitStack() as stack:
        where = stack.enter_context(display(bench))
        venue = stack.enter_context(simulator(folder))
        demo = stack.enter_context(engine(venue, folder))
        pids = {
            "engine": demo.pid,
            "window": stack.enter_context(_window(bench, where, "product", str(demo.state_dir))),
            "bare window": stack.enter_context(_window(bench, where, "bare")),
            "watcher": stack.enter_context(_watcher(bench, venue)),
        }
        bench.say("letting things settle")
        time.sleep(SETTLE_S if not bench.quick else 2.0)
        used, memory = _measured(pids, seconds)
    watcher, window = "bare ccxt.pro watching the same streams", "empty QMainWindow"
    return [
        Result("idle.engine_cpu", used["engine"], "% of core", used["watcher"], watcher),
        Result("idle.engine_rss", memory["engine"], "MiB", memory["watcher"], watcher),
        Result("idle.window_cpu", used["window"], "% of core"),
        Result("idle.window_rss", memory["window"], "MiB", memory["bare window"], window),
    ]


def _measured(pids: dict[str, int], seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    processes = {name: psutil.Process(pid) for name, pid in pids.items()}
    before = {name: _cpu_s(process) for name, process in processes.items()}
    began = time.perf_counter()
    time.sleep(seconds)
    wall = time.perf_counter() - began
    used = {
        name: (_cpu_s(process) - before[name]) / wall * 100 for name, process in processes.items()
    }
    memory = {name: process.memory_info().rss / 2**20 for name, process in processes.items()}
    return used, memory


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _window(bench: Bench, where: dict[str, str], *arguments: str) -> Iterator[int]:
    errors = bench.work_dir / f"{arguments[0]}.err"
    command = [sys.executable, PROGRAM, *arguments]
    with running(command, errors, environment(**where)) as process:
        first_line(process, errors)
        yield process.pid


@contextmanager
def _watcher(bench: Bench, venue: Simulator) -> Iterator[int]:
    errors = bench.work_dir / "watcher.err"
    command = [sys.executable, "-c", WATCHER, str(venue.tls_port), str(venue.ca)]
    with running(command, errors, engine_environment()) as process:
        first_line(process, errors)
        yield process.pid
