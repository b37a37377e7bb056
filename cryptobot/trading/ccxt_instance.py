"""What is changed on a ccxt instance, from outside: ccxt itself stays as it is."""

from typing import Any

import ccxt
from yarl import URL

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, Clock
from cryptobot.trading.traffic import Traffic


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
            raise ccxt.ExchangeNotAvailable("not connected yet: the markets are not known")
        return instance.markets

    instance.load_markets = load_markets


def dial_by_monotonic_time(instance: Any, clock: Clock) -> None:
    """Let the growing pauses between an instance's attempts to connect pass by monotonic time.

    ccxt notes by the wall clock when each is over. A clock that ran ahead and was put right would
    keep every stream away for as long as it had been ahead.
    """
    instance.ws_dial_backoff = {}
    noted: dict[str, tuple[object, int]] = {}
    on_error = instance.on_error

    def note(client: Any, error: object) -> None:
        on_error(client, error)
        pause = instance.ws_dial_backoff.get(client.url)
        if pause is not None and noted.get(client.url, (None, 0))[0] is not pause:
            lasts_ns = (pause["until"] - instance.milliseconds()) * NS_PER_MS
            noted[client.url] = (pause, clock.monotonic_ns() + lasts_ns)

    def delay_s(url: str) -> float:
        if url not in instance.ws_dial_backoff:
            return 0.0
        return max(0, noted[url][1] - clock.monotonic_ns()) / NS_PER_S

    instance.on_error = note
    instance.ws_dial_delay = delay_s


def hear_limits_in_frames(instance: Any, traffic: Traffic) -> None:
    """Let an exchange's silences begin also with what a websocket's frame says.

    The ws-api tells of a ban inside an answer; ccxt makes an error of it and forgets the time.
    """
    handle_message = instance.handle_message

    def hear(client: Any, message: object) -> None:
        traffic.heard_in(URL(client.url).host, message)
        handle_message(client, message)

    instance.handle_message = hear
