"""The command line of the benchmarks."""

import argparse
import json
import logging
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from bench.processes import ROOT
from bench.registry import BENCHMARKS
from bench.result import Bench, Result, say

OUTPUT: Final = ROOT / "build" / "bench.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks that were asked for; 0 done, 1 one of them failed, 2 wrong usage."""
    args = _parser().parse_args(argv)
    if args.list:
        for name, (_, what) in BENCHMARKS.items():
            print(f"{name:<14} {what}")
        return 0
    unknown = [name for name in args.only if name not in BENCHMARKS]
    if unknown:
        say(f"bench: no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
        return 2
    # The product's own log lines belong into its files, not between ours.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    results: list[Result] = []
    failed: list[str] = []
    load_before = os.getloadavg()
    for name in args.only or BENCHMARKS:
        run, what = BENCHMARKS[name]
        say(f"{name}: {what}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-", dir=args.dir) as folder:
            try:
                results += run(Bench(args.quick, Path(folder), lambda line: say(f"  {line}")))
            except (RuntimeError, OSError) as error:
                failed.append(name)
                say(f"  failed: {error}")
        say(f"  {time.monotonic() - began:.0f} s")
    _write(args.output, results, load_before, quick=args.quick, failed=failed)
    _print(results)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measures the product against the same work without it, in turns in one run.",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="run this one (repeatable)"
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions: does it work?")
    parser.add_argument("--list", action="store_true", help="name the benchmarks")
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, metavar="FILE", help="default build/bench.json"
    )
    parser.add_argument(
        "--dir", type=Path, metavar="FOLDER", help="where state is kept meanwhile: the disk counts"
    )
    return parser


def _write(
    path: Path,
    results: Sequence[Result],
    load: tuple[float, float, float],
    *,
    quick: bool,
    failed: Sequence[str],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_before": [round(value, 2) for value in load],
        "load_after": [round(value, 2) for value in os.getloadavg()],
        "quick": quick,
        "failed": list(failed),
        "results": [result.to_json() for result in results],
    }
    path.write_text(json.dumps(report, indent=2) + "\n")
    say(f"written to {path}")


def _print(results: Sequence[Result]) -> None:
    width = max((len(result.name) for result in results), default=10)
    head = f"{'name':<{width}} {'value':>11} {'baseline':>11} {'unit':<10} {'ratio':>6} {'aim':>5}"
    print(f"{head}  compared with")
    for result in results:
        baseline = "" if result.baseline is None else _number(result.baseline)
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        aim = "" if result.aim is None else f"{result.aim:.2f}"
        print(
            f"{result.name:<{width}} {_number(result.value):>11} {baseline:>11} "
            f"{result.unit:<10} {ratio:>6} {aim:>5}  {result.compared_with or ''}"
        )
    sys.stdout.flush()


def _number(value: float) -> str:
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"  # noqa: PLR2004 - legibility
