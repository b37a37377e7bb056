"""What can be set, with type, default and when to change it."""

import ipaddress
import json
import re
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
)

from cryptobot.control.locate import expanded

Positive = Annotated[Decimal, Field(gt=0)]
Fraction = Annotated[Decimal, Field(ge=0, lt=1)]


def _split(value: object) -> object:
    """Accept ``A,B`` where a list is wanted: environment variables are strings."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    return _json_list(value)


def _json_list(value: object) -> object:
    """Accept a list written as JSON: environment and command line bring strings."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"is not valid JSON ({error})") from None
    return value


def _bounded_exact(value: object) -> object:
    """Refuse floats: TOML writes money as a string so that it stays exact."""
    if isinstance(value, float):
        raise ValueError("is a float, which is not exact")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _none_if_empty(value: object) -> object:
    """Take an empty variable for no value: an empty path would be the current directory."""
    return None if value == "" else value


UserPath = Annotated[Path, AfterValidator(expanded)]
"""A path in which ``~`` is filled in."""

Money = Annotated[Decimal, BeforeValidator(_bounded_exact), Field(ge=0)]


class StartMode(StrEnum):
    """What mode the engine starts in."""

    RESUME = "resume"
    """First start paper; later the last acknowledged mode, live halted until reconciled."""
    PAPER = "paper"
    LIVE = "live"
    """Accepted only when the exchange is the simulator."""


class OrderEntry(StrEnum):
    """What carries new orders to the exchange."""

    REST = "rest"
    WEBSOCKET = "websocket"
    """REST all the same while the websocket is not up."""


class Section(BaseModel):
    """A group of settings; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MetricsSettings(Section):
    """The exporter.

    Attributes:
        host: Change it only to let another machine scrape; everything is readable there.
        port: Change it when a node exporter holds 9100. 0 takes a free one.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=9100, ge=0, le=65535)


class ApiSettings(Section):
    """Access to ``/api`` on the exporter.

    Attributes:
        token: Bearer token; without one only this machine may ask.
    """

    token: SecretStr | None = None


class ExchangeSettings(Section):
    """The exchange.

    Attributes:
        id: Its ccxt id.
        connect_to: ``HOST:PORT`` to send every connection to, URLs unchanged: a simulator or proxy.
        tls_ca: PEM file to trust for ``connect_to``.
        api_key: From the environment or the keyring, never from a file.
        secret: As ``api_key``.
        password: The key's passphrase where the exchange has one (OKX); from the environment.
        timeout_s: Longest wait for an answer before an order counts as unknown.
        book_depth: Price levels a side that are kept.
        orders_per_10s: New orders that the exchange takes in 10 s, where it does not list its
            own limit as Binance does. Orders wait for it; they are not refused.
        order_entry: What carries new orders. A websocket saves an order the set-up of its request;
            Binance only. Cancels and look-ups go by REST either way.
    """

    id: str = "binance"
    connect_to: str | None = None
    tls_ca: UserPath | None = None
    api_key: SecretStr | None = None
    secret: SecretStr | None = None
    password: SecretStr | None = None
    timeout_s: float = Field(default=10.0, ge=0.5, le=60)
    book_depth: int = Field(default=20, ge=5, le=1000)
    orders_per_10s: int = Field(default=50, ge=1, le=100_000)
    order_entry: OrderEntry = OrderEntry.REST

    @field_validator("connect_to")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None:
            host, _, port = value.rpartition(":")
            if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:  # noqa: PLR2004 - the port range
                raise ValueError("is not HOST:PORT")
        return value

    @field_validator("tls_ca")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        try:
            if value is None or value.is_file():
                return value
        except OSError as error:
            raise ValueError(f"cannot be read ({error.strerror})") from None
        raise ValueError("is not a file")

    @property
    def target(self) -> tuple[str, int] | None:
        """``connect_to`` as host and port."""
        if self.connect_to is None:
            return None
        host, _, port = self.connect_to.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def connects_to_loopback(self) -> bool:
        """Whether ``connect_to`` names this machine."""
        if self.target is None:
            return False
        host = self.target[0]
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


class ModeSettings(Section):
    """Live or paper at start."""

    start: StartMode = StartMode.RESUME


class DatabaseSettings(Section):
    """The journal.

    Attributes:
        url: SQLAlchemy URL of SQLite or PostgreSQL; default: ``cryptobot.db`` in the state
            directory.
    """

    url: str | None = None

    @field_validator("url")
    @classmethod
    def _supported(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("sqlite:", "postgresql")):
            raise ValueError("is no URL of SQLite or PostgreSQL")
        return value


PriceBand = Annotated[Decimal, BeforeValidator(_bounded_exact), Field(gt=0, le=10)]


class SymbolRisk(Section):
    """Limits of one symbol, ``[risk.symbols."BTC/USDT"]``; what is left out is as for every symbol.

    Attributes:
        max_order_notional: In place of the limit for every symbol.
        max_position_notional: In place of the limit for every symbol.
        max_open_orders: Of this symbol, besides the limit in all.
        max_orders_per_10s: Of this symbol, besides the limit in all.
        max_daily_loss: Of this symbol, besides the limit in all.
        price_band: In place of the limit for every symbol.
    """

    max_order_notional: Money | None = None
    max_position_notional: Money | None = None
    max_open_orders: int | None = Field(default=None, ge=0)
    max_orders_per_10s: int | None = Field(default=None, ge=0)
    max_daily_loss: Money | None = None
    price_band: PriceBand | None = None


class RiskSettings(Section):
    """Limits checked before every order, live and paper alike.

    Attributes:
        max_order_notional: Largest price times amount of one order, in quote currency.
        max_position_notional: Largest position of a symbol with all open orders filled, in quote
            currency.
        max_open_orders: Most open orders at once, unresolved ones included.
        max_orders_per_10s: Most orders sent in 10 s; Binance allows 50.
        block_while_unresolved: Deny orders on a symbol's side while the outcome of one there is
            unknown. Off: only the strategy whose order it is has to wait.
        max_total_notional: Largest value of all positions together with all open orders filled, in
            quote currency.
        max_daily_loss: Loss of the UTC day, realized and unrealized, from which on only orders that
            make a position smaller are taken; in quote currency.
        price_band: Furthest that a limit price may be from the market, as a fraction of it:
            against slips of the finger.
        symbols: Other limits for some symbols.
    """

    max_order_notional: Money = Decimal(1000)
    max_position_notional: Money = Decimal(5000)
    max_open_orders: int = Field(default=50, ge=0)
    max_orders_per_10s: int = Field(default=40, ge=0)
    block_while_unresolved: bool = True
    max_total_notional: Money = Decimal(20_000)
    max_daily_loss: Money = Decimal(1000)
    price_band: PriceBand = Decimal("0.5")
    symbols: dict[str, SymbolRisk] = Field(default_factory=dict)

    @field_validator("symbols", mode="before")
    @classmethod
    def _unified(cls, value: object) -> object:
        """Write symbols as they are: names in environment variables arrive in lower case."""
        if isinstance(value, dict):
            return {str(symbol).upper(): limits for symbol, limits in value.items()}
        return value


Pauses = Annotated[
    tuple[Annotated[float, Field(ge=0, le=3600)], ...],
    BeforeValidator(_split),
    Field(max_length=20),
]


class RetrySettings(Section):
    """What is tried again after a failure, after which pauses in seconds; none: not at all.

    Attributes:
        network_s: The exchange was not reached, or the wire broke.
        server_s: It answered with a fault of its own (5xx, maintenance, no sense).
        rate_limit_s: It said "too many" and not for how long.
        order_s: Longest time from a first try to send an order to the last: shorter where an
            order that comes late is worse than none.
    """

    network_s: Pauses = (0, 1, 2, 4, 8, 16)
    server_s: Pauses = (1, 2, 4, 8, 16)
    rate_limit_s: Pauses = (5, 15, 60)
    order_s: float = Field(default=10.0, ge=0, le=3600)


class BreakerSettings(Section):
    """The circuit breakers of the exchange: one for orders, one for reads; nothing stops a cancel.

    Attributes:
        failures: Failed calls in a row that open it.
        open_s: Seconds until probes are let through.
        successes: Probes that must succeed to close it.
    """

    failures: int = Field(default=10, ge=1, le=1000)
    open_s: float = Field(default=120.0, ge=1, le=86_400)
    successes: int = Field(default=3, ge=1, le=100)


class OpenOrders(StrEnum):
    """What becomes of open live orders at a failover."""

    KEEP = "keep"
    CANCEL = "cancel"


class FailoverSettings(Section):
    """When live trading falls back to paper by itself; 0 or false switches a trigger off.

    Attributes:
        enabled: All of it.
        breaker_open: When the breaker of orders opens.
        failed_orders: When more live orders than this fail or become unknown within the window.
        failed_window_s: That window.
        exchange_down_s: When the exchange is not ready for so long.
        market_stale_s: When no market data of a symbol came for so long.
        journal_down_s: When the journal cannot be written for so long.
        clock_skew_s: When this machine's clock is further than this from the exchange's.
        daily_loss: When today's loss is over it, in quote currency.
        open_orders: Open live orders are kept (tracked), or cancelled.
    """

    enabled: bool = True
    breaker_open: bool = True
    failed_orders: int = Field(default=3, ge=0)
    failed_window_s: float = Field(default=300.0, ge=1, le=86_400)
    exchange_down_s: float = Field(default=30.0, ge=0, le=86_400)
    market_stale_s: float = Field(default=30.0, ge=0, le=86_400)
    journal_down_s: float = Field(default=5.0, ge=0, le=86_400)
    clock_skew_s: float = Field(default=2.0, ge=0, le=3600)
    daily_loss: Money = Decimal(0)
    open_orders: OpenOrders = OpenOrders.KEEP


class PaperSettings(Section):
    """The paper account of a first start; after a switch it starts from the live balances.

    Attributes:
        balances: Amount by asset.
        maker_fee: Fraction of the amount received.
        taker_fee: Fraction of the amount received.
    """

    balances: dict[str, Money] = Field(default_factory=lambda: {"USDT": Decimal(10_000)})
    maker_fee: Fraction = Decimal("0.001")
    taker_fee: Fraction = Decimal("0.001")

    @field_validator("balances", mode="before")
    @classmethod
    def _assets(cls, value: object) -> object:
        """Write assets as exchanges do: names in environment variables arrive in lower case."""
        if isinstance(value, dict):
            return {str(asset).upper(): amount for asset, amount in value.items()}
        return value


class StrategyStart(Section):
    """A strategy to start with the engine."""

    name: str
    params: dict[str, str | int | float | bool] = Field(default_factory=dict)


class StrategySettings(Section):
    """Strategies.

    Attributes:
        folder: Users' own strategies: every ``*.py`` in it is loaded.
        start: Those started with the engine.
    """

    folder: Annotated[UserPath | None, BeforeValidator(_none_if_empty)] = None
    start: Annotated[list[StrategyStart], BeforeValidator(_json_list)] = Field(default_factory=list)


class ReconciliationSettings(Section):
    """How unknown outcomes are settled and how often books are compared.

    Attributes:
        interval_s: Seconds between comparisons with the exchange.
        not_found_patience_s: How long every source must go on denying an order before it counts as
            not placed. An order may arrive late (ccxt lets Binance take it for 10 s, `recvWindow`),
            and what is read may be older still (15 s in the worst that the simulator does).
    """

    interval_s: float = Field(default=30.0, ge=1, le=86_400)
    not_found_patience_s: float = Field(default=25.0, ge=0, le=86_400)


class SentrySettings(Section):
    """Error tracking; written by ``check_runtime_dependencies.py --sync-sentry``."""

    dsn: SecretStr | None = None
    environment: str | None = None
    release: str | None = None


class OtelSettings(Section):
    """Tracing."""

    exporter_otlp_endpoint: str | None = None


class Settings(Section):
    """Everything that can be set.

    Attributes:
        state_dir: Where the journal, socket, lock and fence live (made 0700).
        log_dir: Where the logs go.
        account: The name that ``--confirm`` must repeat to go live.
        symbols: What is watched and may be traded.
        timeframe: Candle length for charts and strategies.
        log_level: Least severe records kept.
    """

    state_dir: Path
    log_dir: Path
    account: str = Field(default="main", min_length=1, max_length=64)
    symbols: Annotated[list[str], BeforeValidator(_split)] = Field(
        default_factory=lambda: ["BTC/USDT"], min_length=1
    )
    timeframe: str = Field(default="1m", pattern=r"^[1-9][0-9]*[smhdwM]$")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    metrics: MetricsSettings = MetricsSettings()
    api: ApiSettings = ApiSettings()
    exchange: ExchangeSettings = ExchangeSettings()
    mode: ModeSettings = ModeSettings()
    database: DatabaseSettings = DatabaseSettings()
    risk: RiskSettings = RiskSettings()
    retry: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    failover: FailoverSettings = FailoverSettings()
    paper: PaperSettings = PaperSettings()
    strategies: StrategySettings = StrategySettings()
    reconciliation: ReconciliationSettings = ReconciliationSettings()
    sentry: SentrySettings = SentrySettings()
    otel: OtelSettings = OtelSettings()

    @field_validator("symbols")
    @classmethod
    def _unified(cls, value: list[str]) -> list[str]:
        for symbol in value:
            base, _, quote = symbol.partition("/")
            if not base or not quote or symbol != symbol.upper():
                raise ValueError(f"holds {symbol!r}, which is not BASE/QUOTE in capitals")
        if len(set(value)) != len(value):
            raise ValueError("holds a symbol twice")
        return value

    @property
    def database_url(self) -> str:
        """The journal's URL, the default filled in."""
        return self.database.url or f"sqlite:///{self.state_dir / 'cryptobot.db'}"
