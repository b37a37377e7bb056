"""What is well and what is not: components, readiness, and the answers of ``/health``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from telemetry.clock import NS_PER_S, Clock, SystemClock, iso


class Status(StrEnum):
    """How a component is, from well to worst."""

    OK = "ok"
    DEGRADED = "degraded"
    """It works, not as it should."""
    CRITICAL = "critical"
    """It does not work; ``/health`` answers 503."""


_WORSE = (Status.OK, Status.DEGRADED, Status.CRITICAL)


@dataclass(frozen=True, slots=True)
class Component:
    """One component's state.

    Attributes:
        since_ns: When it came to this status, UTC nanoseconds.
        latency_ms: Of its last check, where it has one.
    """

    status: Status
    detail: str
    since_ns: int
    latency_ms: float | None = None


class Health:
    """The components of a program and the conditions of its readiness. Does no I/O.

    Args:
        conditions: What must be met before the program is ready.
        clock: For ``since`` and the uptime.
    """

    def __init__(
        self, conditions: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._components: dict[str, Component] = {}
        self._unmet = dict(conditions or {})
        self._started = self._clock.monotonic_ns()

    def set(
        self,
        name: str,
        status: Status | str,
        detail: str = "",
        latency_ms: float | None = None,
    ) -> None:
        """Set a component's state; ``since`` moves only when the status does.

        Raises:
            ValueError: If ``status`` is not one of ``Status``.
        """
        status = Status(status)
        before = self._components.get(name)
        same = before is not None and before.status is status
        since = before.since_ns if before is not None and same else self._clock.now_ns()
        self._components[name] = Component(status, detail, since, latency_ms)

    def remove(self, name: str) -> None:
        """Forget a component."""
        self._components.pop(name, None)

    @property
    def components(self) -> Mapping[str, Component]:
        """Every component."""
        return dict(self._components)

    @property
    def status(self) -> Status:
        """The worst status of all components."""
        return max(
            (c.status for c in self._components.values()), key=_WORSE.index, default=_WORSE[0]
        )

    def unmet(self, condition: str, why: str) -> None:
        """Say that a condition of readiness is not met."""
        self._unmet[condition] = why

    def met(self, condition: str) -> None:
        """Say that a condition of readiness is met."""
        self._unmet.pop(condition, None)

    @property
    def ready(self) -> bool:
        """Whether every condition is met."""
        return not self._unmet

    def alive_answer(self) -> tuple[int, dict[str, object]]:
        """Return HTTP status and body of ``/health``: 503 while a component is critical."""
        status = self.status
        critical = {
            name: component.detail
            for name, component in self._components.items()
            if component.status is Status.CRITICAL
        }
        return (503 if critical else 200), {"status": status, "critical": critical}

    def ready_answer(self) -> tuple[int, dict[str, object]]:
        """Return HTTP status and body of ``/health/ready``: 503 until every condition is met."""
        return (200 if self.ready else 503), {"ready": self.ready, "unmet": dict(self._unmet)}

    def detailed_answer(self) -> tuple[int, dict[str, object]]:
        """Return HTTP status and body of ``/health/detailed``: every component."""
        code, _ = self.alive_answer()
        return code, {
            "status": self.status,
            "ready": self.ready,
            "unmet": dict(self._unmet),
            "uptime_s": (self._clock.monotonic_ns() - self._started) / NS_PER_S,
            "components": {
                name: {
                    "status": component.status,
                    "since": iso(component.since_ns),
                    "latency_ms": component.latency_ms,
                    "detail": component.detail,
                }
                for name, component in sorted(self._components.items())
            },
        }
