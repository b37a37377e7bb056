"""The ccxt exchange behind our Protocol: orders by REST, or by websocket where that is asked for.

Two ccxt instances: one for order writes, so that a cancel never queues behind candles, one for
reads and streams. An order websocket is a connection of its own. ``maxRetriesOnFailure`` stays 0:
ccxt's retry signs and sends an order again.
"""

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import ccxt
import structlog

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import NotSent, OrderRefused, OutcomeUnknown, ReadFailed, UserError
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderReport, OrderType
from cryptobot.trading import ccxt_translation as translate
from cryptobot.trading.capabilities import LookUp, capabilities_of
from cryptobot.trading.ccxt_instance import amend
from cryptobot.trading.ccxt_markets import spot_instruments
from cryptobot.trading.ccxt_order_socket import CHANNEL, NotWritten, OrderSocket
from cryptobot.trading.ccxt_reads import CcxtReads, RequestObserver, sense
from cryptobot.trading.ccxt_session import CURRENT_GATE, FreeToCancel, WireGate, open_session
from cryptobot.trading.ccxt_streams import UNREADABLE, StreamObserver
from cryptobot.trading.exchange import OrderRequest, Permit
from cryptobot.trading.traffic import PRECEDENCE, Budget, Precedence, Traffic

SIMULATOR_SERVER: Final = "cryptobot-simulator/"
"""What the simulator calls itself in the ``Server`` header; no exchange does."""

MS_PER_MINUTE: Final = 60_000
"""A call of cost 1 may be made every ``rateLimit`` ms: so many costs are a minute's budget."""

WRITE_OUTCOMES: Final = {OrderRefused: "refused", OutcomeUnknown: "unknown"}
"""How the outcomes of writes are reported; everything else was not sent."""


_log = structlog.stdlib.get_logger("cryptobot.exchange")


@dataclass(frozen=True, slots=True)
class ExchangeConfig:
    """How to reach an exchange.

    Attributes:
        id: ccxt's id.
        api_key: ``None`` gives market data only.
        password: The key's passphrase, where the exchange has such a thing.
        timeout_s: Longest wait for an answer.
        connect_to: Where every connection goes instead; URLs stay.
        tls_ca: PEM file to trust besides the system's.
        book_depth: Levels a side in ``watch_book``.
        orders_per_10s: New orders that the exchange takes in 10 seconds, until it lists its own.
        order_by_websocket: Whether orders go by websocket while that is up; cancels go by REST.
        connector: Opens connections in another way than by TCP and the two fields above, one
            connector for each session: a proxy, a network in memory.
    """

    id: str
    api_key: str | None = None
    secret: str | None = None
    password: str | None = None
    timeout_s: float = 10.0
    connect_to: tuple[str, int] | None = None
    tls_ca: Path | None = None
    book_depth: int = 20
    orders_per_10s: int = 50
    order_by_websocket: bool = False
    connector: Callable[[], aiohttp.BaseConnector] | None = None


class ExchangeClient(CcxtReads):
    """A ccxt exchange as an ``Exchange`` and a ``MarketSource``.

    Raises:
        UserError: ccxt does not know the exchange, or orders cannot go to it by websocket.
    """

    def __init__(
        self,
        config: ExchangeConfig,
        clock: Clock,
        *,
        on_request: RequestObserver | None = None,
        on_stream: StreamObserver | None = None,
        on_limited: Callable[[float], None] = lambda _: None,
    ) -> None:
        if config.id not in ccxt.exchanges:
            raise UserError(f"exchange.id: ccxt has no exchange {config.id!r}")
        capabilities = capabilities_of(config.id)
        super().__init__(
            clock,
            book_depth=config.book_depth,
            on_stream=on_stream,
            on_request=on_request,
            capabilities=capabilities,
            traffic=Traffic(
                Budget(
                    MS_PER_MINUTE / getattr(ccxt, config.id)().rateLimit,
                    min(config.orders_per_10s, capabilities.orders_per_10s),
                ),
                clock,
                one_host=capabilities.one_host,
                on_limited=on_limited,
            ),
        )
        if config.order_by_websocket and self.capabilities.websocket_refusal is not None:
            raise UserError(f"exchange.order_entry: {self.capabilities.websocket_refusal}")
        self._config = config
        self._order_socket: OrderSocket | None = None
        self._sessions: list[aiohttp.ClientSession] = []
        self._instruments: dict[str, Instrument] = {}

    @property
    def id(self) -> str:
        """The exchange's ccxt id."""
        return self._config.id

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Spot markets with known steps; empty before ``connect``."""
        return self._instruments

    @property
    def has_keys(self) -> bool:
        """Whether orders could be signed."""
        complete = bool(self._config.password) or not self.capabilities.needs_password
        return bool(self._config.api_key and self._config.secret) and complete

    async def connect(self) -> None:
        """Load markets and the clock's offset. May be called again after a failure.

        Raises:
            ReadFailed: The exchange cannot be reached or answered nonsense.
            UserError: ccxt has no streams of the exchange.
        """
        if self._reads is None:
            await self._open()
        markets = await self._read("connect", "load_markets", True)  # noqa: FBT003 - ccxt's reload
        self.traffic.learn(self._reads.last_json_response)  # limits that ccxt drops
        with sense("connect"):
            found = spot_instruments((markets or {}).values())
        if not found:
            raise ReadFailed("the exchange listed no spot markets")
        self._instruments.clear()  # the same mapping for ever: others hold it
        self._instruments.update(found)
        self._orders.set_markets(self._reads.markets, self._reads.currencies)
        for name in self._reads.options.get("marketHelperProps", ()):  # other names of markets
            self._orders.options[name] = self._reads.options[name]
        await self.sync_clock()

    async def _open(self) -> None:
        module = await asyncio.to_thread(importlib.import_module, "ccxt.pro")
        streaming = getattr(module, self._config.id, None)
        plain_class = getattr(importlib.import_module("ccxt.async_support"), self._config.id, None)
        if streaming is None or plain_class is None:
            raise UserError(f"exchange.id: ccxt has no exchange {self._config.id!r} with streams")
        self._reads = self._instance(streaming, gated=False)
        by_websocket = self._config.order_by_websocket and self.has_keys
        self._orders = self._instance(streaming if by_websocket else plain_class, gated=True)
        if by_websocket:
            self._order_socket = OrderSocket(
                self._orders,
                self.traffic,
                timeout_s=self._config.timeout_s,
                note=lambda event, reason: self._note(CHANNEL, None, event, reason),
            )
        if self.capabilities.one_nonce:
            self._orders.incrementing_nonce = self._reads.incrementing_nonce

    def _instance(self, kind: Any, *, gated: bool) -> Any:
        session = open_session(
            connect_to=self._config.connect_to,
            tls_ca=self._config.tls_ca,
            gated=gated,
            traffic=self.traffic,
            connector=self._config.connector,
        )
        self._sessions.append(session)
        instance = kind(
            {
                "apiKey": self._config.api_key,
                "secret": self._config.secret,
                "password": self._config.password,
                "session": session,
                "asyncio_loop": asyncio.get_running_loop(),
                "enableRateLimit": True,
                "timeout": int(self._config.timeout_s * 1000),
                "options": {
                    "defaultType": "spot",
                    "fetchMarkets": {"types": ["spot"]},
                    "fetchMargins": False,
                    "fetchCurrencies": False,
                    "adjustForTimeDifference": False,
                    "maxRetriesOnFailure": 0,
                    "fetchOpenOrders": {"warnWithoutSymbol": False},
                    **self.capabilities.options,
                },
            }
        )
        amend(instance, self._clock, self.traffic)
        return instance

    async def is_simulator(self) -> bool:
        """Return whether ``connect_to`` leads to our simulator, by its ``Server`` header."""
        if self._config.connect_to is None:
            return False
        if self._reads is None:
            await self._open()
        url = self._reads.urls["api"].get("public")
        if not isinstance(url, str):
            return False
        try:
            async with self._sessions[0].get(
                f"{url}/ping", timeout=aiohttp.ClientTimeout(total=self._config.timeout_s)
            ) as answer:
                return answer.headers.get("Server", "").startswith(SIMULATOR_SERVER)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ReadFailed(translate.one_line(error)) from error

    def hasten(self) -> None:
        """Open now every websocket that waits for its next try: the exchange answers again."""
        super().hasten()
        if self._order_socket is not None:
            self._order_socket.hasten()

    async def close(self) -> None:
        """Close streams and connections, all at once: a peer that is gone answers none of them."""
        await self._close_streams()
        parts = (self._order_socket, self._reads, self._orders)
        await asyncio.gather(*(part.close() for part in parts if part is not None))
        self._order_socket = None
        await self.traffic.close()
        for session in self._sessions:
            await session.close()
        self._sessions.clear()
        self._reads = self._orders = None

    async def place_order(self, request: OrderRequest, permit: Permit) -> OrderReport:
        """Send an order; see ``Exchange.place_order``."""
        self._ensure_connected()
        params = self.capabilities.order_params(request)
        gate = WireGate(permit)
        token = CURRENT_GATE.set(gate)
        precedence = PRECEDENCE.set(Precedence.ORDER)
        try:
            raw = await self._write(
                "place_order",
                self._create_order,
                request.symbol,
                "market" if request.type is OrderType.MARKET else "limit",
                str(request.side),
                plain(request.amount),
                None if request.price is None else plain(request.price),
                params,
                gate=gate,
            )
        finally:
            PRECEDENCE.reset(precedence)
            CURRENT_GATE.reset(token)
        return self._answer(raw, request.client_order_id)

    async def _create_order(self, *args: Any) -> Any:
        """Place an order by websocket while that is up, else by REST: one order either way."""
        if self._order_socket is not None:
            try:
                return await self._order_socket.place(*args)
            except NotWritten:
                _log.info("order_goes_by_rest")
        return await self._orders.create_order(*args)

    def _ensure_connected(self) -> None:
        if self._orders is None or not self._orders.markets:
            raise NotSent("the exchange client is not connected yet", "not_sent")

    async def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport:
        """Cancel by our id; see ``Exchange.cancel_order``."""
        self._ensure_connected()
        params = {self.capabilities.own_id().cancel: client_order_id}
        precedence = PRECEDENCE.set(Precedence.CANCEL)
        token = CURRENT_GATE.set(WireGate(FreeToCancel()))
        try:
            raw = await self._write("cancel_order", self._orders.cancel_order, None, symbol, params)
        finally:
            CURRENT_GATE.reset(token)
            PRECEDENCE.reset(precedence)
        if self.capabilities.acknowledges:
            return await self._after_cancel(symbol, client_order_id)
        return self._answer(raw, client_order_id)

    async def _after_cancel(self, symbol: str, client_order_id: str) -> OrderReport:
        """Return the state of an order whose cancel was taken, by an answer without any state."""
        try:
            report = await self.find_order(symbol, client_order_id)
        except ReadFailed as error:
            raise OutcomeUnknown(f"the cancel was taken, and {error}", "lookup_failed") from error
        if report is None:
            raise OutcomeUnknown("the cancel was taken, and the order is gone", "lookup_failed")
        return report

    def _answer(self, raw: Any, client_order_id: str | None) -> OrderReport:
        """Return the report of a write's reply; one that cannot be read proves nothing."""
        try:
            return translate.order_report(raw, client_order_id, self._clock.now_ns())
        except UNREADABLE as error:
            raise OutcomeUnknown(translate.one_line(error), "unreadable_reply") from error

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Look up by our id; see ``Exchange.find_order``."""
        own_id = self.capabilities.client_id
        if own_id is None:
            raise ReadFailed(f"find_order: {self.capabilities.live_refusal}", "unsupported")
        for step in own_id.look_ups:
            ask = self._fetched if step.lists is None else self._listed
            report = await ask(step, symbol, client_order_id)
            if report is not None:
                return report
        return None

    async def _listed(self, step: LookUp, symbol: str, client_order_id: str) -> OrderReport | None:
        """Look up in a list; what the exchange lists besides is not taken for ours."""
        params = {step.parameter: client_order_id}
        rows = await self._read("find_order", step.method, symbol, None, None, params)
        # Nothing was awaited since: it is the reply to this very question.
        if not step.is_answer(self._reads.last_json_response):
            raise ReadFailed("find_order: the reply held no list of orders")
        with sense("find_order"):
            reports = [translate.order_report(row, None, self._clock.now_ns()) for row in rows]
        return next((item for item in reports if item.client_order_id == client_order_id), None)

    async def _fetched(self, step: LookUp, symbol: str, client_order_id: str) -> OrderReport | None:
        return await self._found(client_order_id, None, symbol, {step.parameter: client_order_id})

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: str) -> OrderReport | None:
        """Look up by the exchange's id; see ``Exchange.find_by_exchange_id``."""
        return await self._found(None, exchange_order_id, symbol)

    async def _found(self, client_order_id: str | None, *args: object) -> OrderReport | None:
        try:
            return self._answer(
                await self._read("find_order", "fetch_order", *args), client_order_id
            )
        except ReadFailed as error:
            if isinstance(error.__cause__, ccxt.OrderNotFound):
                return None
            raise
        except OutcomeUnknown as error:
            raise ReadFailed(str(error)) from error

    async def _write(
        self,
        operation: str,
        call: Callable[..., Awaitable[Any]],
        *args: object,
        gate: WireGate | None = None,
    ) -> Any:
        started = self._clock.monotonic_ns()
        outcome = "unknown"
        try:
            reply = await call(*args)
            outcome = "ok"
        except Exception as error:
            # Every class counts: what is not proven must become "unknown", whatever was raised.
            if gate is not None and gate.stopped is not None:
                outcome = "not_sent"
                raise gate.stopped from error
            verdict = translate.write_error(
                error, sent=gate is None or gate.sent, codes=self.capabilities.codes
            )
            outcome = WRITE_OUTCOMES.get(type(verdict), "not_sent")
            if verdict is error:
                raise
            raise verdict from error
        else:
            return reply
        finally:
            self._observe(operation, outcome, started)

    def watch_order_reports(self) -> AsyncIterator[OrderReport]:
        """Yield changes of our own orders; see ``Exchange.watch_order_reports``."""
        return self._watch_own_orders()
