"""Figures of a proof."""

from collections.abc import Sequence


def quantile(values: Sequence[float], q: float) -> float | None:
    """Return the nearest-rank quantile, rounded to 0.1; ``None`` of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 1)


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return the median, the 99th percentile and the greatest."""
    return {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99), "max": quantile(values, 1)}
