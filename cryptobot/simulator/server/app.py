"""Puts the exchange on aiohttp."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from cryptobot import __version__
from cryptobot.domain.clock import Clock, SystemClock
from cryptobot.domain.ids import IdSource
from cryptobot.simulator.account_desk import AccountDesk
from cryptobot.simulator.account_history import AccountHistory
from cryptobot.simulator.clock import ExchangeClock
from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.plan import FaultPlan
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.limits import RateLimits
from cryptobot.simulator.market.feed import MarketFeed
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.security import Credentials, Gatekeeper
from cryptobot.simulator.server.admin import Admin, AdminView, add_admin_routes
from cryptobot.simulator.server.answers import WireAnswer
from cryptobot.simulator.server.fault_desk import FaultDesk
from cryptobot.simulator.server.faults import HttpFaults, Proceed
from cryptobot.simulator.server.http_effects import Gone
from cryptobot.simulator.server.market_socket import MarketSocket, add_market_sockets
from cryptobot.simulator.server.open_sockets import OpenSockets
from cryptobot.simulator.server.request_keys import FIRED
from cryptobot.simulator.server.request_log import RequestLog
from cryptobot.simulator.server.rest import add_rest_routes
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.server.ws_api import WsApi
from cryptobot.simulator.server.ws_api_faults import WsApiFaults
from cryptobot.simulator.streams.event_faults import EventFaults
from cryptobot.simulator.streams.hub import StreamHub
from cryptobot.simulator.streams.publisher import MarketPublisher
from cryptobot.simulator.streams.user_data import UserDataStream
from cryptobot.simulator.unfilled_orders import UnfilledOrders
from cryptobot.simulator.venue import Venue

SERVER_NAME = f"cryptobot-simulator/{__version__}"
"""Value of the ``Server`` header, by which clients recognise the simulator."""

_MAX_BODY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How the exchange behaves.

    Attributes:
        speed: How many times as fast as the clock its market runs.
        seed: Of the ids it makes.
        clock: The clock beneath; a ``ManualClock`` makes it step-driven.
    """

    speed: float = 1.0
    seed: int = 1
    clock: Clock = field(default_factory=SystemClock)
    credentials: Credentials = field(default_factory=Credentials)
    limits: LimitSettings = field(default_factory=LimitSettings)


@dataclass(frozen=True, slots=True)
class Simulator:
    """The exchange and its web application."""

    exchange: Exchange
    app: web.Application
    publisher: MarketPublisher
    sockets: Sockets
    plan: FaultPlan


def build_simulator(
    feed: MarketFeed,
    settings: SimulatorSettings | None = None,
    faults: Sequence[Fault] = (),
) -> Simulator:
    """Put an exchange together that plays ``feed``; the market starts now, and so do faults."""
    settings = settings or SimulatorSettings()
    clock = ExchangeClock(settings.clock, settings.speed)
    plan = FaultPlan(clock.flowing_ns, settings.seed)
    venue = Venue(feed, clock)
    limits = RateLimits(settings.limits, settings.clock)
    ids = IdSource(random.Random(settings.seed))  # noqa: S311 - ids that repeat with the seed
    gatekeeper = Gatekeeper(settings.credentials, clock, plan.skew_ms)
    exchange = Exchange(
        venue,
        AccountDesk(venue, limits, ids),
        limits,
        gatekeeper,
        AccountHistory(venue),
    )
    events = EventFaults(plan, clock.now_ns, lambda: gatekeeper.offset_ms)
    users = UserDataStream(exchange.desk, clock, events)
    hub = StreamHub(events)
    publisher = MarketPublisher(venue, hub)
    sockets = Sockets(settings.clock)
    for listener in (
        exchange.history,
        UnfilledOrders(limits),
        users,
        publisher,
        OpenSockets(sockets, events),
    ):
        venue.listen(listener)
    plan.add(faults)
    log = RequestLog()
    app = web.Application(
        middlewares=[_log_requests(log), _faults(HttpFaults(exchange, plan))],
        client_max_size=_MAX_BODY_BYTES,
    )
    app.on_response_prepare.append(_name_server)
    add_rest_routes(app, exchange)
    add_market_sockets(
        app, MarketSocket(hub, publisher, sockets, plan, settings.limits.messages_a_second)
    )
    ws_api = WsApi(exchange, users, sockets, WsApiFaults(exchange, plan, events), log)
    app.router.add_get("/ws-api/v3", ws_api.serve)
    view = AdminView(exchange, log, sockets, users, __version__)
    add_admin_routes(app, Admin(view), FaultDesk(plan, exchange, sockets, events))
    return Simulator(exchange, app, publisher, sockets, plan)


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER_NAME


def _log_requests(log: RequestLog):  # type: ignore[no-untyped-def]  # noqa: ANN202 - aiohttp's middleware type
    @web.middleware
    async def middleware(request: web.Request, handler: Proceed) -> web.StreamResponse:
        if _is_admin(request):
            return await handler(request)
        line = log.begin(request.method, request.path)
        status, code = 0, None
        try:
            response = await handler(request)
            status = 0 if isinstance(response, Gone) else response.status
            code = response.code if isinstance(response, WireAnswer) else None
        except web.HTTPException as error:
            status = error.status
            raise
        else:
            return response
        finally:
            line.faults = request.get(FIRED, [])
            line.end(status, code)

    return middleware


def _faults(faults: HttpFaults):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as above
    @web.middleware
    async def middleware(request: web.Request, handler: Proceed) -> web.StreamResponse:
        if _is_admin(request):
            return await handler(request)
        return await faults.intercept(request, handler)

    return middleware


def _is_admin(request: web.Request) -> bool:
    return request.path.startswith("/sim/")
