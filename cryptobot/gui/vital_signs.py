"""What the status strip says, derived from the status. Pure."""

from dataclasses import dataclass, replace

from cryptobot.gui import figures
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.health_checks import (
    Check,
    Subject,
    Tone,
    breakers_check,
    failover_check,
    reconciliation_check,
    unresolved_of,
)
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
        opens: What of the health panel it opens; ``None``: it is no button.
    """

    name: str
    text: str
    rank: int
    role: str = ""
    tooltip: str = ""
    opens: Subject | None = None


def vital_signs(state: EngineState, now: float) -> tuple[VitalSign, ...]:
    """Return the cells in the order they are shown; all muted and marked when not current.

    ``now`` is in seconds since the epoch. Unresolved orders are counted here, as the health panel
    does: the status is older than the orders.
    """
    status = state.status
    if status is None:
        return (VitalSign("Engine", "not connected", 0, "warn"),)
    signs = (
        *_exchange(status, state.market_age()),
        *_orders(status, len(unresolved_of(state.orders.values()))),
        *_order_path(status, now),
        *_engine(status),
    )
    if state.link is Link.ALIVE:
        return (VitalSign("Engine", "connected", 0, "good"), *signs)
    lost = VitalSign("Engine", f"{_DOWN} lost, values are old", 0, "problem")
    return (
        lost,
        *(replace(s, role="faint", tooltip=f"Not current. {s.tooltip}") for s in signs),
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
            11,
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


def _orders(status: EngineStatus, unresolved: int) -> tuple[VitalSign, ...]:
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
            f"{unresolved:,}",
            2,
            "problem" if unresolved else "",
            "Orders whose outcome is not known yet; each is being looked up",
            Subject.UNRESOLVED,
        ),
    )


def _order_path(status: EngineStatus, now: float) -> tuple[VitalSign, ...]:
    """Return what is shown before anything else while something is wrong."""
    letters = status.dead_letters
    return (
        _sign("Breakers", breakers_check(status.breakers, now), 8),
        VitalSign(
            "Dead letters",
            f"{letters:,}",
            1 if letters else 9,
            "problem" if letters else "",
            "Given up on, and waiting for a person to retry or discard",
            Subject.LETTERS,
        ),
        _sign("Reconciled", reconciliation_check(status, now), 10),
        _sign("Failover", failover_check(status, now), 7),
    )


def _sign(name: str, check: Check, rank: int) -> VitalSign:
    wrong = check.tone in {Tone.WARN, Tone.BAD}
    return VitalSign(
        name,
        f"{_DOWN} {check.word}" if wrong else check.word,
        1 if wrong else rank,
        str(check.tone) if wrong else "",
        check.summary,
        check.subject,
    )


def _engine(status: EngineStatus) -> tuple[VitalSign, ...]:
    told = "\n".join(f"{c.name}: {c.status} {c.detail}".rstrip() for c in status.components)
    health = {"ok": "good", "degraded": "warn", "critical": "problem"}
    lag = status.loop_lag_ms
    return (
        VitalSign(
            "Health",
            status.health or figures.NONE,
            2,
            health.get(status.health, ""),
            told,
            Subject.ENGINE,
        ),
        VitalSign(
            "Loop lag",
            figures.milliseconds(lag),
            12,
            "warn" if lag is not None and lag > _LAG_MS else "",
            "How late the engine's event loop runs",
        ),
        VitalSign("Metrics", status.metrics or figures.NONE, 14, "", "Where Prometheus reads"),
        VitalSign(
            "Up",
            figures.age(status.uptime_s),
            13,
            "",
            f"Engine {status.version}, process {status.pid}",
        ),
        VitalSign("Pid", str(status.pid), 15),
    )


def _brief(value: float | None) -> str:
    return figures.NONE if value is None else f"{value:,.0f}"
