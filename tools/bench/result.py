"""What a benchmark finds."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Result:
    """One number, and the same of what it is compared with.

    Attributes:
        name: ``benchmark.quantity``; stable, so that runs can be compared.
        value: Ours.
        unit: Of both numbers.
        baseline: The other's number, from the same run; ``None`` where nothing compares.
        compared_with: What the other is.
        aim: The ratio that is aimed at, as a limit.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    compared_with: str | None = None
    aim: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours by the other's."""
        return self.value / self.baseline if self.baseline else None

    def to_json(self) -> dict[str, object]:
        """Return the result as ``build/bench.json`` holds it."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "ratio": None if self.ratio is None else round(self.ratio, 4),
            "compared-with": self.compared_with,
            "baseline": None if self.baseline is None else round(self.baseline, 4),
            "aim": self.aim,
        }


@dataclass(frozen=True, slots=True)
class Bench:
    """What a benchmark is given.

    Attributes:
        quick: Fewer repetitions, to see that it works; the numbers mean little.
        work_dir: An empty folder on the disk that state lives on.
        say: Tells progress.
    """

    quick: bool
    work_dir: Path
    say: Callable[[str], None]

    def times(self, usual: int, quick: int) -> int:
        """Return how often to repeat."""
        return quick if self.quick else usual

    def folder(self, name: str) -> Path:
        """Return a new folder."""
        path = self.work_dir / name
        path.mkdir(parents=True)
        return path


def say(line: str) -> None:
    """Tell progress on stderr."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def quantile(values: Sequence[float], q: float) -> float:
    """Return the value below which the fraction ``q`` lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))]


def compared(
    name: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    compared_with: str,
    *,
    aims: tuple[float | None, float | None] = (None, None),
) -> list[Result]:
    """Return p50 and p99 of two series measured in turns."""
    return [
        Result(f"{name}.p50", median(ours), unit, median(theirs), compared_with, aims[0]),
        Result(
            f"{name}.p99",
            quantile(ours, 0.99),
            unit,
            quantile(theirs, 0.99),
            compared_with,
            aims[1],
        ),
    ]
