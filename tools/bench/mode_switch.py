"""Wall time of ``ops/mode_switch.py`` while an engine answers, against an empty program."""

import subprocess
import sys
import time
from pathlib import Path

from bench.processes import ROOT, engine, environment, simulator
from bench.result import Bench, Result, compared


def run(bench: Bench) -> list[Result]:
    """Switch to paper again and again; each switch is acknowledged, journalled and fenced."""
    # The interpreter itself, without a virtual environment or a version chooser's wrapper.
    python = str(Path(sys.base_prefix) / "bin" / "python3")
    folder = bench.folder("mode_switch")
    switches: list[float] = []
    empty: list[float] = []
    with simulator(folder) as venue, engine(venue, folder) as demo:
        switch = [python, str(ROOT / "ops" / "mode_switch.py"), "--mode=paper"]
        switch += ["--state-dir", str(demo.state_dir), "--reason", "benchmark"]
        for _ in range(bench.times(60, 5)):
            empty.append(_wall_ms([python, "-c", "pass"]))
            switches.append(_wall_ms(switch))
    return compared("mode_switch.wall", "ms", switches, empty, "python3 -c pass")


def _wall_ms(command: list[str]) -> float:
    began = time.perf_counter_ns()
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    spent = (time.perf_counter_ns() - began) / 1e6
    if done.returncode:
        raise RuntimeError(f"{command[1]} exited with {done.returncode}: {done.stderr.strip()}")
    return spent
