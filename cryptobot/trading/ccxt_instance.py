"""What is changed on a ccxt instance, from outside: ccxt itself stays as it is."""

from collections.abc import Callable
from typing import Any

import aiohttp
import ccxt
from yarl import URL

from cryptobot.domain.clock import NS_PER_MS, Clock
from cryptobot.domain.errors import NotSent
from cryptobot.trading.ccxt_session import HEARTBEAT_S
from cryptobot.trading.ccxt_translation import one_line
from cryptobot.trading.traffic import Traffic


def amend(instance: Any, clock: Clock, traffic: Traffic) -> None:
    """Make all changes on an instance.

    Args:
        instance: Just made, on a session of ours.
        clock: Its time.
        traffic: Its limits and silences.
    """
    # What is signed bears the time of the clock whose skew is measured.
    instance.milliseconds = lambda: clock.now_ns() // NS_PER_MS
    # One limiter for all instances of an exchange, which knows what ccxt's own does not.
    instance.throttler = _Throttler(traffic)
    instance.number = str
    instance.enableLastJsonResponse = True
    instance.timeout_on_exit = 0  # the sessions are ours and closed properly
    instance.has["fetchCurrencies"] = False
    load_only_when_asked(instance)
    # Its own pauses grow to 30 s, by a clock that may be set, with what is signed growing stale.
    instance.ws_dial_delay = lambda _url: 0.0  # who streams pauses
    hear_limits_in_frames(instance, traffic)
    leave_dead_websockets(instance)


class _Throttler:
    """What ccxt asks before each request, in place of its own."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self.loop: object = None  # ccxt sets it

    async def __call__(self, cost: float | None = None) -> None:
        await self._traffic.throttle(1.0 if cost is None else cost)


def load_only_when_asked(instance: Any) -> None:
    """Let an instance load markets when it is told to (``reload``), and never by itself.

    Every call of ccxt's loads them when there are none, keeps for ever what it was told then,
    nothing at all included, and so could undo what a better answer had brought.
    """
    load = instance.load_markets

    async def load_markets(reload: bool = False, params: object = None) -> Any:
        if reload:
            return await load(reload, params or {})
        if not instance.markets:
            raise NotSent("not connected yet: the markets are not known", "not_connected")
        return instance.markets

    instance.load_markets = load_markets


def hear_limits_in_frames(instance: Any, traffic: Traffic) -> None:
    """Let an exchange's silences begin also with what a websocket's frame says.

    The ws-api tells of a ban inside an answer; ccxt makes an error of it and forgets the time.
    """
    handle_message = instance.handle_message

    def hear(client: Any, message: object) -> None:
        traffic.heard_in(URL(client.url).host, message)
        handle_message(client, message)

    instance.handle_message = hear


def leave_dead_websockets(instance: Any) -> None:
    """Let a websocket end as a cut one does when it will bring nothing any more.

    By itself ccxt takes six minutes to notice a Binance that has fallen silent. And a frame that
    cannot be read ends the loop that reads, so that the connection stays open for as long, deaf.
    """
    make = instance.client

    def client(url: str) -> Any:
        known = url in (instance.clients or {})
        made = make(url)
        if not known:
            connect = made.create_connection
            made.create_connection = lambda session: connect(_Heartbeat(session))
            made.handle_message = _or_leave(made, made.handle_message)
        return made

    instance.client = client


def _or_leave(client: Any, read: Callable[[Any], None]) -> Callable[[Any], None]:
    def handle_message(message: aiohttp.WSMessage) -> None:
        if isinstance(message.data, aiohttp.ServerTimeoutError):
            client.on_error(ccxt.RequestTimeout("no answer to a ping"))
            return
        try:
            read(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it would end the loop
            client.on_error(ccxt.BadResponse(f"unreadable frame: {one_line(error)}"))

    return handle_message


class _Heartbeat:
    """What ccxt needs of a session to open a websocket, with a heartbeat."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.cookie_jar = session.cookie_jar

    def ws_connect(self, url: str, **options: Any) -> Any:
        return self._session.ws_connect(url, heartbeat=HEARTBEAT_S, **options)
