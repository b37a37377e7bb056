"""Figures of a proof."""

from collections.abc import Callable, Sequence


def quantile(values: Sequence[float], q: float) -> float | None:
    """Return the nearest-rank quantile, rounded to 0.1; ``None`` of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 1)


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return the median, the 99th percentile and the greatest."""
    return {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99), "max": quantile(values, 1)}


def counted_from(progress: Callable[[int], None], before: int) -> Callable[[int], None]:
    """Return the progress of a part that begins after ``before`` rounds."""
    return lambda rounds: progress(before + rounds)
