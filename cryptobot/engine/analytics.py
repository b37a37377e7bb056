"""What ``/api/metrics`` tells, out of the journal."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptobot.domain.clock import iso
from cryptobot.journal.journal import Journal
from telemetry.api import ApiProviders


@dataclass(slots=True)
class EngineAnswers:
    """What only the running engine can tell; it fills this in when it is there.

    Attributes:
        circuit_breakers: Every breaker, as ``CircuitBreaker.to_wire`` shows it.
    """

    circuit_breakers: Callable[[], list[dict[str, object]]] = list


def providers(journal: Journal, engine: EngineAnswers) -> ApiProviders:
    """Return where the exporter's ``/api`` gets its answers."""

    async def orders_daily(days: int) -> object:
        return [
            {
                "day": item.day.isoformat(),
                "mode": str(item.mode),
                "total": item.total,
                "failed": item.failed,
                "by_state": {str(state): count for state, count in item.by_state.items()},
            }
            for item in await journal.orders_daily(days)
        ]

    async def status_changes(days: int) -> object:
        return [
            {
                "from": None if item.from_state is None else str(item.from_state),
                "to": str(item.to_state),
                "count": item.count,
            }
            for item in await journal.status_changes(days)
        ]

    async def summary() -> object:
        found = await journal.summary()
        return {
            "orders": [
                {"mode": str(mode), "state": str(state), "count": count}
                for (mode, state), count in found.by_mode_and_state.items()
            ],
            "fills": {str(mode): count for mode, count in found.fills.items()},
            "failed": found.failed,
            "mode_changes": found.mode_changes,
            "oldest_open": {str(mode): iso(at) for mode, at in found.oldest_open_ns.items()},
            "last_event": None if found.last_event_ns is None else iso(found.last_event_ns),
        }

    async def circuit_breakers() -> object:
        return engine.circuit_breakers()

    return ApiProviders(orders_daily, status_changes, summary, circuit_breakers)
