"""The one table of every exported metric: instruments, docs and tests are made from it.

A label's values are closed: either listed here, or taken from the configuration when the
instruments are built (``FromConfig``). Where a set holds ``other``, a value outside it is counted
there; where it does not, the event is refused and counted in ``cryptobot_telemetry_lost_total``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

OTHER: Final = "other"


class Kind(StrEnum):
    """The types of the exposition format that are used here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class LostSink(StrEnum):
    """What gave telemetry up."""

    METRICS = "metrics"
    LOG = "log"
    CONSOLE = "console"
    LISTENER = "listener"


class LostReason(StrEnum):
    """Why telemetry was given up."""

    OVERFLOW = "overflow"
    """Its queue was full."""
    WRITE_FAILED = "write_failed"
    BAD_VALUE = "bad_value"
    """Not a finite number, or a negative one where that means nothing."""
    UNKNOWN_LABEL = "unknown_label"
    """A label value outside its closed set."""
    UNSERIALISABLE = "unserialisable"
    REDACTION = "redaction"
    """It could not be freed of secrets, so it was not written."""
    ERROR = "error"
    """A listener raised."""


class FromConfig(StrEnum):
    """Label values that the configuration gives: arguments of ``Metrics``."""

    EXCHANGES = "exchanges"
    SYMBOLS = "symbols"
    CURRENCIES = "currencies"
    CHANNELS = "channels"
    BREAKERS = "breakers"
    JOBS = "jobs"
    VERSION = "version"
    PYTHON = "python"
    CCXT = "ccxt"


LabelValues = tuple[str, ...] | FromConfig


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric.

    Attributes:
        name: As exported, counters with their ``_total``.
        help: What it counts or measures, with units.
        labels: Label names and where their values come from.
        buckets: Upper edges of a histogram, without infinity.
        sum_scale: Keep a histogram's sum as whole multiples of ``1/sum_scale``, so that it is
            exact and does not depend on the order of observations; ``None``: a plain float.
        untyped: For a counter beside a gauge of its name without ``_total``: OpenMetrics names a
            counter's family so, and two families of one name are no valid exposition.
    """

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, LabelValues] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    sum_scale: int | None = None
    untyped: bool = False

    @property
    def family(self) -> str:
        """The family's name in OpenMetrics: a counter's goes without its suffix."""
        return self.name if self.untyped else self.name.removesuffix("_total")


MODES: Final = ("live", "paper")
TRADING_STATES: Final = ("active", "reducing", "halted")
MODE_TRIGGERS: Final = ("start", "operator", "fence_file", "crash_loop", "failover", OTHER)
SIDES: Final = ("buy", "sell")
ORDER_TYPES: Final = ("market", "limit", "limit_maker")
ORDER_OUTCOMES: Final = (
    "accepted", "partially_filled", "filled", "canceled", "expired", "rejected", "unresolved",
    "denied",
)  # fmt: skip
FAILURE_REASONS: Final = (
    "insufficient_funds", "would_take", "order_not_found", "duplicate_id", "invalid_order",
    "market_closed", "permission_denied", "authentication", "bad_symbol", "bad_request",
    "operation_rejected", "rate_limited", "clock_skew", "connection_failed", "not_sent",
    "timeout", "network", "unreadable_reply", "unclassified", "cancelled",
    "no_liquidity", OTHER,
)  # fmt: skip
DENIAL_REASONS: Final = (
    "instrument", "unknown_symbol", "no_price", "no_book", "max_order_notional",
    "max_position_notional", "max_open_orders", "max_orders_per_10s", "halted", "reducing",
    "fence", "journal", "mode", "shutting_down", "circuit_open", "banned", "unresolved",
    "request_id", "price_band", "max_total_notional", "max_daily_loss", OTHER,
)  # fmt: skip
RETRIED_OPERATIONS: Final = (
    "place_order", "cancel_order", "find_order", "open_orders", "closed_orders", "my_trades",
    "balances", OTHER,
)  # fmt: skip
RETRY_REASONS: Final = ("network", "server", "rate_limit", "clock", OTHER)
BREAKER_STATES: Final = ("closed", "open", "half_open")
ORDER_STAGES: Final = ("checks", "journal", "fence", "exchange", "resolve")
RECONCILIATION_OUTCOMES: Final = ("clean", "repaired", "mismatch", "failed")
DEAD_LETTER_SINKS: Final = ("orders", OTHER)
SESSION_STATES: Final = ("connecting", "ready", "failed", "closed")
EXCHANGE_OPERATIONS: Final = (
    "connect", "place_order", "cancel_order", "find_order", "open_orders", "closed_orders",
    "my_trades", "balances", "candles", "book", "trades", "time", OTHER,
)  # fmt: skip
REQUEST_OUTCOMES: Final = ("ok", "refused", "not_sent", "unknown", "failed")
RATE_LIMITS: Final = ("request_weight", "orders_10s", "orders_1d")
DISCONNECT_REASONS: Final = ("closed", "error", "silent", "malformed", "restart", OTHER)
DB_OPERATIONS: Final = ("commit", "read", "migrate", "maintenance", OTHER)
LOG_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
HTTP_PATHS: Final = (
    "/metrics", "/health", "/health/ready", "/health/detailed", "/api/metrics/orders/daily",
    "/api/metrics/status-changes", "/api/metrics/summary", "/api/metrics/circuit-breakers", OTHER,
)  # fmt: skip
HTTP_STATUSES: Final = (
    "200", "400", "401", "403", "404", "405", "500", "503", OTHER,
)  # fmt: skip

ORDER_LATENCY_BUCKETS_MS: Final = (
    10.0, 25.0, 50.0, 100.0, 150.0, 250.0, 400.0, 500.0, 600.0, 700.0, 750.0, 800.0, 900.0,
    1000.0, 1500.0, 2500.0, 5000.0, 10000.0, 30000.0,
)  # fmt: skip
"""750 must be an edge: the alert compares a quantile with it, and between edges it is a guess."""

_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
_FAST_SECONDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
)  # fmt: skip

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_MODE: Final = {"mode": MODES}
_EXCHANGE: Final = {"exchange": FromConfig.EXCHANGES}
_STREAM: Final = {"exchange": FromConfig.EXCHANGES, "channel": FromConfig.CHANNELS}

ORDERS_FAILED: Final = "cryptobot_orders_failed_total"
ORDER_LATENCY: Final = "cryptobot_order_latency"

CATALOGUE: Final[tuple[Spec, ...]] = (
    # Orders. The first two are unlabelled: four failures over four label values would never
    # fire increase(...) > 3.
    Spec(ORDERS_FAILED, _C,
         "Orders sent to an exchange that were rejected, not executed after the retries allowed, "
         "or first found unresolved; each order once. Paper and denied orders do not count."),
    Spec(ORDER_LATENCY, _H,
         "Milliseconds from the gateway accepting an intent to a definite answer or unresolved, "
         "time-outs included, of orders sent to an exchange.",
         buckets=ORDER_LATENCY_BUCKETS_MS, sum_scale=1000),
    Spec("cryptobot_orders_total", _C,
         "Orders by the outcome first reached.",
         {**_MODE, **_EXCHANGE, "side": SIDES, "type": ORDER_TYPES, "outcome": ORDER_OUTCOMES}),
    Spec("cryptobot_order_failures_by_reason_total", _C,
         "Failed orders as in cryptobot_orders_failed_total, by reason, since this start.",
         {**_EXCHANGE, "reason": FAILURE_REASONS}),
    Spec("cryptobot_orders_denied_total", _C,
         "Orders refused here, before the wire.", {"reason": DENIAL_REASONS}),
    Spec("cryptobot_order_stage_seconds", _H,
         "Seconds an order spent in a stage of the order path.",
         {**_EXCHANGE, "stage": ORDER_STAGES}, _SECONDS),
    Spec("cryptobot_orders_open", _G, "Orders that may still trade.", {**_MODE, **_EXCHANGE}),
    Spec("cryptobot_orders_unresolved", _G,
         "Orders sent whose outcome is unknown.", _EXCHANGE),
    Spec("cryptobot_order_oldest_open_seconds", _G,
         "Age in seconds of the oldest open order; 0 without one.", _MODE),
    Spec("cryptobot_order_queue_depth", _G,
         "Intents accepted by the gateway that have no answer yet."),
    Spec("cryptobot_order_queue_processed_total", _C,
         "Intents the gateway has taken to an answer, any outcome."),
    Spec("cryptobot_reconciliations_total", _C,
         "Comparisons of the journal with the exchange.", {"outcome": RECONCILIATION_OUTCOMES}),
    Spec("cryptobot_dead_letters", _G,
         "What was given up on and waits for a person.", {"sink": DEAD_LETTER_SINKS}),
    Spec("cryptobot_dead_letters_total", _C,
         "What was given up on, since this start.", {"sink": DEAD_LETTER_SINKS}, untyped=True),
    # Mode.
    Spec("cryptobot_mode", _G, "1 for the current mode, 0 for the others.", _MODE),
    Spec("cryptobot_mode_changes_total", _C,
         "Changes of mode.", {"from": MODES, "to": MODES, "trigger": MODE_TRIGGERS}),
    Spec("cryptobot_trading_state", _G,
         "1 for the current trading state, 0 for the others.", {"state": TRADING_STATES}),
    # Exchange.
    Spec("cryptobot_exchange_up", _G, "1 while the exchange answers.", _EXCHANGE),
    Spec("cryptobot_exchange_session", _G,
         "1 for the current state of the session, 0 for the others.",
         {**_EXCHANGE, "state": SESSION_STATES}),
    Spec("cryptobot_exchange_requests_total", _C,
         "Requests to the exchange by outcome.",
         {**_EXCHANGE, "operation": EXCHANGE_OPERATIONS, "outcome": REQUEST_OUTCOMES}),
    Spec("cryptobot_exchange_request_seconds", _H,
         "Seconds a request to the exchange took, waits for the rate limiter included.",
         {**_EXCHANGE, "operation": EXCHANGE_OPERATIONS}, _SECONDS),
    Spec("cryptobot_exchange_rate_limit_used_ratio", _G,
         "Used part of an exchange's rate limit, 0 to 1.", {**_EXCHANGE, "limit": RATE_LIMITS}),
    Spec("cryptobot_exchange_rate_limited_total", _C,
         "Requests the exchange refused for its rate limit.", _EXCHANGE),
    Spec("cryptobot_exchange_clock_skew_seconds", _G,
         "Seconds this machine's clock is ahead of the exchange's.", _EXCHANGE),
    Spec("cryptobot_retries_total", _C,
         "Further tries of a call to the exchange, by why the one before failed.",
         {"operation": RETRIED_OPERATIONS, "reason": RETRY_REASONS}),
    Spec("cryptobot_retries_exhausted_total", _C,
         "Calls to the exchange that were given up after the tries allowed.",
         {"operation": RETRIED_OPERATIONS}),
    Spec("cryptobot_circuit_breaker_state", _G,
         "1 for the current state of a circuit breaker, 0 for the others.",
         {"name": FromConfig.BREAKERS, "state": BREAKER_STATES}),
    Spec("cryptobot_circuit_breaker_transitions_total", _C,
         "Changes of a circuit breaker's state, by the new one.",
         {"name": FromConfig.BREAKERS, "to": BREAKER_STATES}),
    Spec("cryptobot_failover_seconds", _H,
         "Seconds from a failover's trigger to the closed fence.", buckets=_FAST_SECONDS),
    # Market data.
    Spec("cryptobot_market_messages_total", _C, "Messages of market streams.", _STREAM),
    Spec("cryptobot_market_data_age_seconds", _G,
         "Seconds since the last market message of a symbol, since the start without one.",
         {**_EXCHANGE, "symbol": FromConfig.SYMBOLS}),
    Spec("cryptobot_websocket_connections", _G, "Open websocket connections.", _STREAM),
    Spec("cryptobot_websocket_disconnections_total", _C,
         "Websocket connections that ended.", {**_STREAM, "reason": DISCONNECT_REASONS}),
    # Portfolio.
    Spec("cryptobot_equity", _G, "Value of the account, in the currency.",
         {**_MODE, "currency": FromConfig.CURRENCIES}),
    Spec("cryptobot_realized_pnl", _G, "Realized profit, in the currency.",
         {**_MODE, "currency": FromConfig.CURRENCIES}),
    Spec("cryptobot_position", _G, "Position, in base currency.",
         {**_MODE, "symbol": FromConfig.SYMBOLS}),
    # The process.
    Spec("cryptobot_event_loop_lag_seconds", _H,
         "Seconds by which the event loop woke its heartbeat late.", buckets=_FAST_SECONDS),
    Spec("cryptobot_heartbeat_timestamp_seconds", _G,
         "Unix time of the engine's last heartbeat, in seconds."),
    Spec("cryptobot_desktop_up", _G, "1 while a window is attached."),
    Spec("cryptobot_scheduler_job_seconds", _H,
         "Seconds a scheduled job ran.", {"job": FromConfig.JOBS}, _SECONDS),
    Spec("cryptobot_scheduler_job_failures_total", _C,
         "Scheduled jobs that raised or were missed.", {"job": FromConfig.JOBS}),
    Spec("cryptobot_db_up", _G, "1 while the journal can commit."),
    Spec("cryptobot_db_query_seconds", _H,
         "Seconds of a database operation.", {"operation": DB_OPERATIONS}, _FAST_SECONDS),
    Spec("cryptobot_http_requests_total", _C,
         "Requests to this exporter.", {"path": HTTP_PATHS, "status": HTTP_STATUSES}),
    Spec("cryptobot_http_request_seconds", _H,
         "Seconds this exporter took to answer.", {"path": HTTP_PATHS}, _FAST_SECONDS),
    Spec("cryptobot_log_records_total", _C, "Log records by level.", {"level": LOG_LEVELS}),
    Spec("cryptobot_telemetry_lost_total", _C,
         "Telemetry that was given up, by sink and reason.",
         {"sink": tuple(LostSink), "reason": tuple(LostReason)}),
    Spec("cryptobot_build_info", _G, "Always 1; what is running.",
         {"version": FromConfig.VERSION, "python": FromConfig.PYTHON, "ccxt": FromConfig.CCXT}),
)  # fmt: skip
