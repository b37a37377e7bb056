"""Counters, gauges and histograms of the catalogue, whose event methods cannot raise.

They are collectors of a ``prometheus_client`` registry, so that its encoders, parsers and tests
work on them; their children exist from the start and are found by one dictionary look-up.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Generic, SupportsFloat, TypeVar

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from telemetry.catalogue import OTHER, Kind, LostReason, Spec
from telemetry.cells import Distribution, Number

Lost = Callable[[LostReason], None]
"""Told the reason when an event was refused."""

EXEMPLAR_BUDGET = 128
"""Characters of all names and values of an exemplar together, by the OpenMetrics text."""

_Cell = TypeVar("_Cell", Number, Distribution)


class Family(Collector, Generic[_Cell]):
    """One metric of the catalogue with all its children.

    Args:
        spec: The metric.
        cell: What a child is made of.
        label_values: The closed set of each label, in the order of ``spec.labels``.
        lost: Told when an event is refused: a wrong number, or a label outside its set.
    """

    def __init__(
        self,
        spec: Spec,
        cell: Callable[[Spec, Mapping[str, str]], _Cell],
        label_values: Sequence[Sequence[str]],
        lost: Lost,
    ) -> None:
        self.spec = spec
        self._lost = lost
        self._sets = [frozenset(values) for values in label_values]
        self._children: dict[tuple[str, ...], _Cell] = {
            combination: cell(spec, dict(zip(spec.labels, combination, strict=True)))
            for combination in product(*label_values)
        }
        # The two text formats call a metric without a type differently.
        old_type, self._type = ("untyped", "unknown") if spec.untyped else (spec.kind, spec.kind)
        help_line = spec.help.replace("\\", r"\\").replace("\n", r"\n")
        self._headers = {
            openmetrics: f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
            for openmetrics, name, text, kind in (
                (False, spec.name, help_line, old_type),
                (True, spec.family, help_line.replace('"', r"\""), self._type),
            )
        }

    def text(self, *, openmetrics: bool) -> str:
        """Return its part of the exposition."""
        return self._headers[openmetrics] + "".join(
            [child.text(openmetrics=openmetrics) for child in self._children.values()]
        )

    def collect(self) -> Iterator[Metric]:
        """Yield its samples for ``prometheus_client``."""
        metric = Metric(self.spec.family, self.spec.help, str(self._type))
        for combination, child in self._children.items():
            labels = dict(zip(self.spec.labels, combination, strict=True))
            child.add_to(metric, self.spec.name, labels)
        yield metric

    def _child(self, labels: tuple[str, ...]) -> _Cell:
        child = self._children.get(labels)
        return self._nearest(labels) if child is None else child

    def _nearest(self, labels: tuple[str, ...]) -> _Cell:
        """Return the child with ``other`` for each value outside its set; ``KeyError`` if none."""
        return self._children[
            tuple(
                value if value in allowed else OTHER
                for value, allowed in zip(labels, self._sets, strict=True)
            )
        ]

    def _refuse(self, error: Exception) -> None:
        unknown = isinstance(error, KeyError)
        self._lost(LostReason.UNKNOWN_LABEL if unknown else LostReason.BAD_VALUE)


class CounterFamily(Family[Number]):
    """A counter."""

    def inc(self, *labels: str, by: SupportsFloat = 1) -> None:
        """Add ``by``."""
        try:
            self._child(labels).add(by)
        except Exception as error:  # noqa: BLE001 - telemetry must not raise into the caller
            self._refuse(error)

    def restore(self, value: int) -> None:
        """Set an unlabelled counter. Raises ``ValueError`` if ``value`` is negative."""
        if value < 0:
            raise ValueError(f"{self.spec.name} cannot be restored to {value}: it is negative")
        self._child(()).set(value)


class GaugeFamily(Family[Number]):
    """A gauge."""

    def set(self, value: SupportsFloat, *labels: str) -> None:
        """Set the value."""
        try:
            self._child(labels).set(value)
        except Exception as error:  # noqa: BLE001 - telemetry must not raise into the caller
            self._refuse(error)

    def set_only(self, *labels: str) -> None:
        """Set the child of ``labels`` to 1 and those differing in the last label to 0."""
        try:
            current = self._child(labels)
            for combination, child in self._children.items():
                if combination[:-1] == labels[:-1]:
                    child.set(child is current)
        except Exception as error:  # noqa: BLE001 - telemetry must not raise into the caller
            self._refuse(error)


class HistogramFamily(Family[Distribution]):
    """A histogram."""

    def observe(
        self,
        value: SupportsFloat,
        *labels: str,
        exemplar: Mapping[str, str] | None = None,
    ) -> None:
        """Count an observation; an exemplar over its budget of 128 characters is left out."""
        try:
            self._child(labels).observe(value, _exemplar(value, exemplar))
        except Exception as error:  # noqa: BLE001 - telemetry must not raise into the caller
            self._refuse(error)

    def restore(self, cumulative: Sequence[int], total: float) -> None:
        """Set an unlabelled histogram from cumulative counts, infinity last, and the sum.

        Raises:
            ValueError: For a wrong number of buckets, counts that fall, or negatives.
        """
        try:
            self._child(()).restore(cumulative, total)
        except ValueError as error:
            raise ValueError(f"{self.spec.name} cannot be restored: {error}") from None


def _exemplar(value: SupportsFloat, labels: Mapping[str, str] | None) -> Exemplar | None:
    if not labels or sum(len(name) + len(text) for name, text in labels.items()) > EXEMPLAR_BUDGET:
        return None
    return Exemplar(dict(labels), float(value), round(time.time(), 3))


AnyFamily = CounterFamily | GaugeFamily | HistogramFamily


def build(spec: Spec, label_values: Sequence[Sequence[str]], lost: Lost) -> AnyFamily:
    """Return the instrument of a metric."""
    match spec.kind:
        case Kind.COUNTER:
            return CounterFamily(spec, Number, label_values, lost)
        case Kind.GAUGE:
            return GaugeFamily(spec, Number, label_values, lost)
        case Kind.HISTOGRAM:
            return HistogramFamily(spec, Distribution, label_values, lost)
