"""The engine's status as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptobot.domain.mode import Mode
from cryptobot.gui.order_path import Breaker, Failover, LastRun, breakers_of
from cryptobot.gui.wire_values import (
    Malformed,
    count,
    items,
    mapping,
    optional_number,
    optional_text,
    part,
    text,
    texts,
)


@dataclass(frozen=True, slots=True)
class Component:
    """Health of one part of the engine: ``ok``, ``degraded`` or ``critical``."""

    name: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A symbol's best prices and last trade."""

    bid: str | None
    ask: str | None
    last: str | None
    age_ms: float | None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The answer of ``engine.status``; the field names are the protocol's, flattened.

    Attributes:
        streams: Whether each stream is connected, and milliseconds since its last message;
            see ``gui.streams`` for what is trouble.
        breakers: The circuit breakers of the exchange.
        reconciled: The last reconciliation in short, ``None`` before the first.
        dead_letters: How many wait for a person.
        letters_changed: Is new whenever any dead letter is.
        p50_ms: Median order latency, ``None`` without orders.
    """

    version: str
    pid: int
    uptime_s: float
    account: str
    mode: Mode
    mode_since: str
    mode_reason: str
    trading_state: str
    fenced: bool
    live_blockers: tuple[str, ...]
    exchange: str
    exchange_up: bool
    simulated: bool
    connect_to: str | None
    clock_skew_ms: float | None
    streams: Mapping[str, tuple[bool, float | None]] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    timeframe: str = "1m"
    open_orders: int = 0
    in_flight: int = 0
    sent_total: int = 0
    failed_total: int = 0
    breakers: tuple[Breaker, ...] = ()
    reconciled: LastRun | None = None
    dead_letters: int = 0
    letters_changed: str | None = None
    failover: Failover = field(default_factory=Failover)
    p50_ms: float | None = None
    p95_ms: float | None = None
    market: Mapping[str, Quote] = field(default_factory=dict)
    health: str = "ok"
    components: tuple[Component, ...] = ()
    metrics: str = ""
    loop_lag_ms: float | None = None

    @classmethod
    def from_wire(cls, data: object) -> "EngineStatus":
        """Return the status.

        Raises:
            Malformed: What must never be guessed (mode, account, exchange) is missing or wrong.
        """
        source = mapping(data, "status")
        exchange = part(source, "exchange")
        orders = part(source, "orders")
        latency = part(source, "latency_ms")
        health = part(source, "health")
        return cls(
            version=optional_text(source, "version") or "",
            pid=count(source, "pid"),
            uptime_s=optional_number(source, "uptime_s") or 0.0,
            account=text(source, "account"),
            mode=_mode(source),
            mode_since=text(source, "mode_since"),
            mode_reason=optional_text(source, "mode_reason") or "",
            trading_state=optional_text(source, "trading_state") or "",
            fenced=source.get("fenced") is True,
            live_blockers=texts(source, "live_blockers"),
            exchange=text(exchange, "id"),
            exchange_up=exchange.get("up") is True,
            simulated=exchange.get("simulated") is True,
            connect_to=optional_text(exchange, "connect_to"),
            clock_skew_ms=optional_number(exchange, "clock_skew_ms"),
            streams=_streams(part(exchange, "streams")),
            symbols=texts(source, "symbols"),
            timeframe=optional_text(source, "timeframe") or "1m",
            open_orders=count(orders, "open"),
            in_flight=count(orders, "in_flight"),
            sent_total=count(orders, "sent_total"),
            failed_total=count(orders, "failed_total"),
            breakers=breakers_of(items(source, "breakers")),
            reconciled=LastRun.from_wire(source.get("reconciliation")),
            dead_letters=count(part(source, "dead_letters"), "waiting"),
            letters_changed=optional_text(part(source, "dead_letters"), "changed_at"),
            failover=Failover.from_wire(part(source, "failover")),
            p50_ms=optional_number(latency, "p50"),
            p95_ms=optional_number(latency, "p95"),
            market=_market(part(source, "market")),
            health=optional_text(health, "status") or "",
            components=_components(part(health, "components")),
            metrics=_address(part(source, "metrics")),
            loop_lag_ms=optional_number(source, "event_loop_lag_ms"),
        )

    def with_mode(self, data: object) -> "EngineStatus":
        """Return the status after a ``mode`` notification.

        Raises:
            Malformed: The notification names no mode.
        """
        source = mapping(data, "mode")
        return replace(
            self,
            mode=_mode(source),
            mode_since=optional_text(source, "mode_since") or self.mode_since,
            mode_reason=optional_text(source, "mode_reason") or "",
            trading_state=optional_text(source, "trading_state") or self.trading_state,
            fenced=source.get("fenced") is True,
        )


def _mode(source: Mapping[str, object]) -> Mode:
    name = text(source, "mode")
    try:
        return Mode(name)
    except ValueError:
        raise Malformed(f"{name!r} is not a mode this window knows") from None


def _streams(source: Mapping[str, object]) -> dict[str, tuple[bool, float | None]]:
    return {
        name: (
            part(source, name).get("connected") is True,
            optional_number(part(source, name), "age_ms"),
        )
        for name in source
    }


def _market(source: Mapping[str, object]) -> dict[str, Quote]:
    quotes = {}
    for symbol in source:
        entry = part(source, symbol)
        quotes[symbol] = Quote(
            optional_text(entry, "bid"),
            optional_text(entry, "ask"),
            optional_text(entry, "last"),
            optional_number(entry, "age_ms"),
        )
    return quotes


def _components(source: Mapping[str, object]) -> tuple[Component, ...]:
    return tuple(
        Component(
            name,
            optional_text(part(source, name), "status") or "",
            optional_text(part(source, name), "detail") or "",
        )
        for name in source
    )


def _address(source: Mapping[str, object]) -> str:
    host, port = optional_text(source, "host"), count(source, "port")
    return f"{host}:{port}" if host and port else ""
