"""What the status strip says, derived from the status. Pure."""

from dataclasses import dataclass

from cryptobot.gui import figures
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.state import EngineState, Link

_SLOW_MS = 750.0
"""The latency objective of the alert rules."""
_STALE_STREAM_MS = 5_000.0
_SKEW_MS = 500.0
_LAG_MS = 100.0
_UP = "\N{BLACK UP-POINTING TRIANGLE}"
_DOWN = "\N{BLACK DOWN-POINTING TRIANGLE}"


@dataclass(frozen=True, slots=True)
class VitalSign:
    """One cell.

    Attributes:
        rank: The lowest ranks stay when there is little room.
        role: How it looks: a role of the style sheet, empty for plain.
    """

    name: str
    text: str
    rank: int
    role: str = ""
    tooltip: str = ""


def vital_signs(state: EngineState) -> tuple[VitalSign, ...]:
    """Return the cells in the order they are shown; all muted and marked when not current."""
    status = state.status
    if status is None:
        return (VitalSign("Engine", "not connected", 0, "warn"),)
    signs = (*_exchange(status), *_orders(status), *_engine(status))
    if state.link is Link.ALIVE:
        return (VitalSign("Engine", "connected", 0, "good"), *signs)
    lost = VitalSign("Engine", f"{_DOWN} lost, values are old", 0, "problem")
    return (
        lost,
        *(VitalSign(s.name, s.text, s.rank, "faint", f"Not current. {s.tooltip}") for s in signs),
    )


def _exchange(status: EngineStatus) -> tuple[VitalSign, ...]:
    down = status.streams_down
    age = status.oldest_stream_ms
    told = "\n".join(
        f"{name}: {'connected' if up else 'DOWN'}, {figures.milliseconds(since)} ago"
        for name, (up, since) in status.streams.items()
    )
    late = bool(down) or (age is not None and age > _STALE_STREAM_MS)
    stream = f"{_DOWN} {len(down)} down" if down else figures.milliseconds(age)
    skew = status.clock_skew_ms
    return (
        VitalSign(
            status.exchange.capitalize(),
            f"{_UP} up" if status.exchange_up else f"{_DOWN} DOWN",
            1,
            "good" if status.exchange_up else "problem",
            status.connect_to or "",
        ),
        VitalSign("Streams", stream, 4, "warn" if late else "", told),
        VitalSign(
            "Clock skew",
            figures.milliseconds(skew),
            9,
            "warn" if skew is not None and abs(skew) > _SKEW_MS else "",
            "This machine's clock against the exchange's",
        ),
    )


def _orders(status: EngineStatus) -> tuple[VitalSign, ...]:
    slow = status.p95_ms is not None and status.p95_ms > _SLOW_MS
    return (
        VitalSign(
            "Latency p50/p95",
            f"{_brief(status.p50_ms)} / {_brief(status.p95_ms)} ms",
            3,
            "warn" if slow else "",
            "Orders of the last five minutes; the objective is a p95 of 750 ms",
        ),
        VitalSign(
            "Failed",
            f"{status.failed_total:,} of {status.sent_total:,}",
            5,
            "warn" if status.failed_total else "",
            "Orders that failed, of all sent to the exchange",
        ),
        VitalSign("Open", f"{status.open_orders:,}", 6),
        VitalSign(
            "Unresolved",
            f"{status.unresolved:,}",
            2,
            "problem" if status.unresolved else "",
            "Orders whose outcome is not known yet; each is being looked up",
        ),
    )


def _engine(status: EngineStatus) -> tuple[VitalSign, ...]:
    told = "\n".join(f"{c.name}: {c.status} {c.detail}".rstrip() for c in status.components)
    health = {"ok": "good", "degraded": "warn", "critical": "problem"}
    lag = status.loop_lag_ms
    return (
        VitalSign("Health", status.health or figures.NONE, 2, health.get(status.health, ""), told),
        VitalSign(
            "Loop lag",
            figures.milliseconds(lag),
            10,
            "warn" if lag is not None and lag > _LAG_MS else "",
            "How late the engine's event loop runs",
        ),
        VitalSign("Metrics", status.metrics or figures.NONE, 8, "", "Where Prometheus reads"),
        VitalSign(
            "Up",
            figures.age(status.uptime_s),
            7,
            "",
            f"Engine {status.version}, process {status.pid}",
        ),
        VitalSign("Pid", str(status.pid), 11),
    )


def _brief(value: float | None) -> str:
    return figures.NONE if value is None else f"{value:,.0f}"
