"""What the status strip says, derived from the status. Pure."""

from dataclasses import dataclass

from cryptobot.gui import figures
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.market_age import Age
from cryptobot.gui.state import EngineState, Link
from cryptobot.gui.streams import describe, told, troubled

_SLOW_MS = 750.0
"""The latency objective of the alert rules."""
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
    signs = (*_exchange(status, state.market_age()), *_orders(status), *_engine(status))
    if state.link is Link.ALIVE:
        return (VitalSign("Engine", "connected", 0, "good"), *signs)
    lost = VitalSign("Engine", f"{_DOWN} lost, values are old", 0, "problem")
    return (
        lost,
        *(VitalSign(s.name, s.text, s.rank, "faint", f"Not current. {s.tooltip}") for s in signs),
    )


def _exchange(status: EngineStatus, heard: Age) -> tuple[VitalSign, ...]:
    trouble = troubled(status.streams, status.uptime_s)
    skew = status.clock_skew_ms
    return (
        _link(status, heard),
        VitalSign(
            "Streams",
            f"{_DOWN} {'; '.join(trouble)}" if trouble else describe(status.streams),
            4,
            "warn" if trouble else "",
            told(status.streams),
        ),
        VitalSign(
            "Clock skew",
            figures.milliseconds(skew),
            9,
            "warn" if skew is not None and abs(skew) > _SKEW_MS else "",
            "This machine's clock against the exchange's",
        ),
    )


def _link(status: EngineStatus, heard: Age) -> VitalSign:
    """Return how the exchange is: the engine asks it rarely, so the window's silence counts too."""
    name, where = status.exchange.capitalize(), status.connect_to or ""
    if not status.exchange_up:
        return VitalSign(name, f"{_DOWN} DOWN", 1, "problem", where)
    if heard.old:
        silent = "silent" if heard.seconds is None else f"silent for {figures.age(heard.seconds)}"
        return VitalSign(name, f"{_DOWN} {silent}", 1, "warn", f"No market data comes. {where}")
    return VitalSign(name, f"{_UP} up", 1, "good", where)


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
            "Rejected by the exchange, or once without a known outcome, of all live orders sent "
            "since the journal began; as cryptobot_orders_failed_total counts. Denied orders were "
            "never sent and are not among them",
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
