"""The admin interface under ``/sim``: plain port and loopback only."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address

import orjson
from aiohttp import web

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.money import plain
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.server.fault_desk import FaultDesk
from cryptobot.simulator.server.request_log import RequestLog
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.streams.user_data import UserDataStream

_MAX_SPEED = 10_000
_MAX_ADVANCE_MS = 7 * 24 * 60 * 60 * 1000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class AdminView:
    """What the admin interface shows.

    Attributes:
        version: Of this program.
    """

    exchange: Exchange
    requests: RequestLog
    sockets: Sockets
    users: UserDataStream
    version: str


class Admin:
    """Answers ``/sim``.

    Args:
        view: What it shows.
    """

    def __init__(self, view: AdminView) -> None:
        self._view = view

    async def orders(self, _: web.Request) -> web.Response:
        """Return every order received, oldest first."""
        desk = self._view.exchange.desk
        return _json([desk.describe(entry) for entry in desk.received])

    async def requests(self, request: web.Request) -> web.Response:
        """Return the requests received since ``?since=NS``."""
        since = request.query.get("since", "0")
        if not since.isdigit():
            return _wrong("since", "nanoseconds since the epoch, a whole number")
        return _json(self._view.requests.since(int(since)))

    async def state(self, _: web.Request) -> web.Response:
        """Return balances, time, market and counts."""
        exchange = self._view.exchange
        venue = exchange.venue
        venue.advance()
        engine = venue.engine
        symbols = {}
        for market in venue.markets.values():
            bids, asks = engine.book(market.symbol, 1)
            last = market.last_price()
            symbols[market.symbol] = {
                "bid": plain(bids[0].price) if bids else None,
                "ask": plain(asks[0].price) if asks else None,
                "last": plain(last) if last is not None else None,
                "orders": len(engine.orders(market.symbol)),
                "own_trades": len(engine.trades(market.symbol)),
                "update_id": market.update_id,
            }
        return _json(
            {
                "version": self._view.version,
                "time_ms": venue.clock.now_ms(),
                "speed": venue.clock.speed,
                "skew_ms": exchange.gatekeeper.skew_ms,
                "market": venue.feed.description,
                "market_ended": venue.ended,
                "balances": {
                    asset: {"free": plain(held.free), "locked": plain(held.locked)}
                    for asset, held in sorted(engine.ledger.balances().items())
                },
                "symbols": symbols,
                "counts": {
                    "orders_received": len(exchange.desk.received),
                    "orders_open": len(engine.open_orders()),
                    "market_trades": venue.market_trades,
                    "requests": self._view.requests.total,
                    "websockets": self._view.sockets.count,
                    "user_subscriptions": self._view.users.count,
                },
            }
        )

    async def clock(self, request: web.Request) -> web.Response:
        """Change the time: ``{"offset_ms"}``, ``{"advance_ms"}`` or ``{"speed"}``.

        An offset (``skew_ms`` is the same) changes what the exchange says and checks as its
        time, not the market.
        """
        try:
            wanted = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            wanted = None
        clock = self._view.exchange.venue.clock
        match wanted:
            case {"offset_ms": int(skew)} | {"skew_ms": int(skew)}:
                self._view.exchange.gatekeeper.skew_ms = skew
            case {"advance_ms": int(advance)} if 0 <= advance <= _MAX_ADVANCE_MS:
                clock.shift(advance * NS_PER_MS)
                self._view.exchange.venue.advance()
            case {"speed": int() | float() as speed} if 0 <= speed <= _MAX_SPEED:
                clock.set_speed(float(speed))
            case _:
                return _wrong(
                    "body",
                    '{"offset_ms": N}, {"advance_ms": 0..604800000} or {"speed": 0..10000}',
                )
        return _json({"time_ms": clock.now_ms(), "speed": clock.speed})


def local_only(handler: Handler) -> Handler:
    """Return ``handler`` for plain connections from this machine only."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        transport = request.transport
        peer = transport.get_extra_info("peername") if transport else None
        is_tls = transport is None or transport.get_extra_info("sslcontext") is not None
        if is_tls or not peer or not ip_address(peer[0]).is_loopback:
            return _json({"error": "the admin interface is on the plain port, loopback only"}, 403)
        return await handler(request)

    return guarded


def add_admin_routes(app: web.Application, admin: Admin, faults: FaultDesk) -> None:
    """Add every path."""
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/sim/orders", admin.orders),
        ("GET", "/sim/requests", admin.requests),
        ("GET", "/sim/state", admin.state),
        ("POST", "/sim/clock", admin.clock),
        ("GET", "/sim/faults", faults.listed),
        ("GET", "/sim/faults/presets", faults.presets),
        ("POST", "/sim/faults", faults.add),
        ("DELETE", "/sim/faults", faults.clear),
        ("DELETE", "/sim/faults/{id}", faults.remove),
    )
    for method, path, handler in routes:
        app.router.add_route(method, path, local_only(handler))


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _wrong(name: str, wanted: str) -> web.Response:
    return _json({"error": f"{name}: expected {wanted}"}, 400)
