"""Puts the exchange on aiohttp."""

import random
import time
from dataclasses import dataclass, field

from aiohttp import web

from cryptobot import __version__
from cryptobot.domain.clock import Clock, SystemClock
from cryptobot.domain.ids import IdSource
from cryptobot.simulator.account_desk import AccountDesk
from cryptobot.simulator.clock import ExchangeClock
from cryptobot.simulator.limits import LimitSettings, RateLimits
from cryptobot.simulator.market.feed import MarketFeed
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.security import Credentials, Gatekeeper
from cryptobot.simulator.server.admin import Admin, AdminView, add_admin_routes
from cryptobot.simulator.server.faults import FaultPlan, NoFaults, Proceed
from cryptobot.simulator.server.market_socket import MarketSocket, add_market_sockets
from cryptobot.simulator.server.request_log import RequestLine, RequestLog
from cryptobot.simulator.server.rest import WireAnswer, add_rest_routes
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.server.ws_api import WsApi
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


def build_simulator(
    feed: MarketFeed,
    settings: SimulatorSettings | None = None,
    faults: FaultPlan | None = None,
) -> Simulator:
    """Put an exchange together that plays ``feed``; the market starts now."""
    settings = settings or SimulatorSettings()
    plan = faults or NoFaults()
    clock = ExchangeClock(settings.clock, settings.speed)
    venue = Venue(feed, clock)
    limits = RateLimits(settings.limits, settings.clock)
    ids = IdSource(random.Random(settings.seed))  # noqa: S311 - ids that repeat with the seed
    exchange = Exchange(
        venue, AccountDesk(venue, limits, ids), limits, Gatekeeper(settings.credentials, clock)
    )
    users = UserDataStream(exchange.desk, clock)
    hub = StreamHub()
    publisher = MarketPublisher(venue, hub)
    venue.listen(UnfilledOrders(limits))
    venue.listen(users)
    venue.listen(publisher)
    sockets = Sockets()
    log = RequestLog()
    app = web.Application(
        middlewares=[_log_requests(log), _faults(plan)], client_max_size=_MAX_BODY_BYTES
    )
    app.on_response_prepare.append(_name_server)
    add_rest_routes(app, exchange)
    add_market_sockets(app, MarketSocket(hub, publisher, sockets))
    app.router.add_get("/ws-api/v3", WsApi(exchange, users, sockets).serve)
    add_admin_routes(app, Admin(AdminView(exchange, log, sockets, users, plan, __version__)))
    return Simulator(exchange, app, publisher, sockets)


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER_NAME


def _log_requests(log: RequestLog):  # type: ignore[no-untyped-def]  # noqa: ANN202 - aiohttp's middleware type
    @web.middleware
    async def middleware(request: web.Request, handler: Proceed) -> web.StreamResponse:
        received_ns, started = time.time_ns(), time.perf_counter_ns()
        status, code = 500, None
        try:
            response = await handler(request)
            status = response.status
            code = response.code if isinstance(response, WireAnswer) else None
        except web.HTTPException as error:
            status = error.status
            raise
        else:
            return response
        finally:
            log.add(
                RequestLine(
                    received_ns,
                    request.method,
                    request.path,
                    status,
                    (time.perf_counter_ns() - started) // 1000,
                    code,
                )
            )

    return middleware


def _faults(plan: FaultPlan):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as above
    @web.middleware
    async def middleware(request: web.Request, handler: Proceed) -> web.StreamResponse:
        if request.path.startswith("/sim/"):
            return await handler(request)
        return await plan.intercept(request, handler)

    return middleware
