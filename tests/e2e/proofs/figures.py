"""Figures of a proof."""

from collections.abc import Sequence


def quantile(values: Sequence[float], q: float) -> float | None:
    """Return the nearest-rank quantile, rounded to 0.1; ``None`` of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 1)
