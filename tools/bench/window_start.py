"""From starting the window's process to its first drawn frame."""

import sys
import time
from pathlib import Path
from statistics import median

from bench.display import display
from bench.processes import engine, environment, first_line, running, simulator
from bench.result import Bench, Result

PROGRAM = str(Path(__file__).with_name("window_program.py"))


def run(bench: Bench) -> list[Result]:
    """Show our window, attached to a running demo, and an empty one in turns."""
    ours: list[float] = []
    bare: list[float] = []
    folder = bench.folder("window_start")
    with display(bench) as where, simulator(folder) as venue, engine(venue, folder) as demo:
        env = environment(**where)
        for turn in range(bench.times(9, 2) + 1):
            bare_s = _drawn_s(["bare"], env, bench.work_dir / "bare.err")
            our_s = _drawn_s(["product", str(demo.state_dir)], env, bench.work_dir / "window.err")
            if turn:  # the first of each reads the disk
                bare.append(bare_s)
                ours.append(our_s)
            bench.say(f"drawn after {our_s:.2f} s, empty window {bare_s:.2f} s")
    return [Result("window_start.drawn", median(ours), "s", median(bare), "empty QMainWindow")]


def _drawn_s(arguments: list[str], env: dict[str, str], errors: Path) -> float:
    began = time.perf_counter()
    with running([sys.executable, PROGRAM, *arguments], errors, env) as process:
        if first_line(process, errors).strip() != "drawn":
            raise RuntimeError("the window said something else first")
        return time.perf_counter() - began
