"""Guards at the wire, each removed on purpose: with any of them gone the wire's tier goes red.

The tier of models cannot notice them: its client has none of this.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

import ccxt
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.client_ws import ClientWebSocketResponse

from cryptobot.domain.errors import NotSent, OrderRefused
from cryptobot.domain.order import OrderReport, OrderState
from cryptobot.trading import ccxt_streams, ccxt_translation
from cryptobot.trading.ccxt_session import (
    GatedRequest,
    HeardResponse,
    PacedRequest,
    PacedSocket,
    WireGate,
)
from cryptobot.trading.exchange_client import ExchangeClient
from cryptobot.trading.traffic import BANNED, TOO_MANY, Traffic

from .scenario import Act, Moment, Scenario
from .weather import WEATHERS, Weather, WriteFault

Mutation = Callable[[], AbstractContextManager[Any]]


def body_without_a_look() -> AbstractContextManager[Any]:
    """The body is written without looking at the fence again."""
    return patch.object(GatedRequest, "write_bytes", ClientRequest.write_bytes)


def no_gate() -> AbstractContextManager[Any]:
    """Orders leave as any other request does."""
    return patch.object(GatedRequest, "send", PacedRequest.send)


def silence_not_kept() -> AbstractContextManager[Any]:
    """Requests leave without a look at the exchange's silences."""
    return patch.object(PacedRequest, "send", ClientRequest.send)


def frames_do_not_wait() -> AbstractContextManager[Any]:
    """A websocket's frames leave without a look at the exchange's silences."""
    return patch.object(PacedSocket, "send_str", ClientWebSocketResponse.send_str)


def refusals_not_heard() -> AbstractContextManager[Any]:
    """Nobody looks at an answer's head."""
    return patch.object(HeardResponse, "start", ClientResponse.start)


def ban_of_one_host() -> AbstractContextManager[Any]:
    """A ban silences only the host that told of it."""

    def heard(self: Traffic, host: str | None, status: int, headers: Mapping[str, str]) -> None:
        _HEARD(self, host, TOO_MANY if status == BANNED else status, headers)

    return patch.object(Traffic, "heard", heard)


def reply_without_id_is_accepted() -> AbstractContextManager[Any]:
    """A reply that says nothing is taken for an order that rests."""

    def report(raw: Any, client_order_id: str | None, now_ns: int) -> OrderReport:
        made = raw if raw.get("id") else {**raw, "id": "0", "status": "open", "filled": "0"}
        return _REPORT(made, client_order_id, now_ns)

    return patch.object(ccxt_translation, "order_report", report)


def error_is_a_refusal() -> AbstractContextManager[Any]:
    """Whatever the exchange answers but yes is no."""

    def verdict(error: BaseException, **how: Any) -> Exception:
        found = _VERDICT(error, **how)
        if isinstance(error, ccxt.ExchangeError) and not isinstance(found, NotSent):
            return OrderRefused(str(found), "refused")
        return found

    return patch.object(ccxt_translation, "write_error", verdict)


def status_is_a_refusal() -> AbstractContextManager[Any]:
    """A bare HTTP status counts as the exchange's own word."""
    return patch.object(ccxt_translation, "_in_its_own_words", lambda _: True)


def network_error_is_not_sent() -> AbstractContextManager[Any]:
    """A connection that broke has sent nothing."""

    def verdict(error: BaseException, **how: Any) -> Exception:
        return _VERDICT(error, **{**how, "sent": not isinstance(error, ccxt.NetworkError)})

    return patch.object(ccxt_translation, "write_error", verdict)


def ccxt_sends_again() -> AbstractContextManager[Any]:
    """Ccxt retries by itself."""

    def instance(self: ExchangeClient, kind: Any, *, gated: bool) -> Any:
        made = _INSTANCE(self, kind, gated=gated)
        made.options["maxRetriesOnFailure"] = 3
        return made

    return patch.object(ExchangeClient, "_instance", instance)


def silence_ends_all_streams() -> AbstractContextManager[Any]:
    """What ccxt cancels ends the stream that waited for it."""
    return patch.object(ccxt_streams, "_is_cancelled", lambda: True)


def part_is_the_whole() -> AbstractContextManager[Any]:
    """An order of which a part is filled is taken for filled."""

    def report(raw: Any, client_order_id: str | None, now_ns: int) -> OrderReport:
        made = _REPORT(raw, client_order_id, now_ns)
        if made.state is OrderState.PARTIALLY_FILLED:
            return replace(made, state=OrderState.FILLED)
        return made

    return patch.object(ccxt_translation, "order_report", report)


def gate_forgets() -> AbstractContextManager[Any]:
    """The gate does not remember that bytes left."""
    return patch.object(WireGate, "sent", property(lambda _: False, lambda *_: None))


_HEARD: Final = Traffic.heard
_REPORT: Final = ccxt_translation.order_report
_VERDICT: Final = ccxt_translation.write_error
_INSTANCE: Final = ExchangeClient._instance

WIRE_MUTATIONS: Final[dict[str, Mutation]] = {
    mutation.__name__: mutation
    for mutation in (
        body_without_a_look,
        no_gate,
        silence_not_kept,
        frames_do_not_wait,
        refusals_not_heard,
        ban_of_one_host,
        reply_without_id_is_accepted,
        error_is_a_refusal,
        status_is_a_refusal,
        network_error_is_not_sent,
        ccxt_sends_again,
        silence_ends_all_streams,
        part_is_the_whole,
        gate_forgets,
    )
}
"""By name."""


def _weathers(what: Callable[[Weather], object]) -> Callable[[Scenario], bool]:
    """Return whether a scenario has such a weather."""
    return lambda scenario: any(what(WEATHERS[spell.name]) for spell in scenario.spells)


def _limits(weather: Weather) -> bool:
    return bool(weather.limited or WriteFault.BUSY in weather.writes)


def _loses_replies(weather: Weather) -> bool:
    return weather.writes.get(WriteFault.REPLY_LOST, 0) >= 0.5


def _touches_the_fence_then(scenario: Scenario) -> bool:
    return any(cue.moment is Moment.TOLD and cue.act is Act.TOUCH_FENCE for cue in scenario.cues)


WIRE_RELEVANT: Final[dict[str, Callable[[Scenario], bool]]] = {
    "body_without_a_look": _touches_the_fence_then,
    "silence_not_kept": _weathers(_limits),
    "frames_do_not_wait": _weathers(_limits),
    "refusals_not_heard": _weathers(_limits),
    "ban_of_one_host": _weathers(_limits),
    "reply_without_id_is_accepted": _weathers(
        lambda it: it.writes.get(WriteFault.GARBLED, 0) > 0.2
    ),
    "error_is_a_refusal": _weathers(_loses_replies),
    "status_is_a_refusal": _weathers(_loses_replies),
    "silence_ends_all_streams": _weathers(lambda it: it.silent),
}
"""As ``mutations.RELEVANT``."""
