"""What each kind of fault does to an HTTP exchange, as one table."""

import gzip
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.kinds import FaultKind
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.server import raw_http
from cryptobot.simulator.server.answers import (
    CONTENT_TYPE,
    WireAnswer,
    described_error,
    error_answer,
    halted,
    json_answer,
)
from cryptobot.simulator.tcp import reset
from cryptobot.simulator.wire_error import maintenance, market_closed

Effect = Callable[[web.Request, Fault, WireAnswer], Awaitable[web.StreamResponse]]
_HTML = (
    "<!DOCTYPE html><html><head><title>{status}</title></head>"
    "<body><h1>{status}</h1><p>Checking your browser before accessing the site.</p></body></html>"
)


class Gone(web.Response):
    """Stands for an answer that the effect has sent, or that nobody will ever get.

    It writes nothing: some loops close a TLS connection a turn later, and an empty answer would
    get out before.
    """

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write no head."""
        del request

    async def write_eof(self, data: bytes = b"") -> None:
        """Write no body."""
        del data


def _left(request: web.Request) -> Gone:
    """Return the end of a request whose connection is closed."""
    del request
    return Gone(status=200)


def _body(answer: WireAnswer) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""


def cut(body: bytes, keep: float) -> bytes:
    """Return the first part of a body, never all of it."""
    return body[: min(int(len(body) * keep), len(body) - 1)] if body else body


async def _hang(request: web.Request, fault: Fault, _: WireAnswer) -> web.StreamResponse:
    hold_s = fault.options["hold_s"]
    await raw_http.until_gone(request, hold_s if isinstance(hold_s, int | float) else None)
    raw_http.close(request)
    return _left(request)


async def _reset(request: web.Request, _: Fault, __: WireAnswer) -> web.StreamResponse:
    reset(request.transport)
    return _left(request)


async def _close(request: web.Request, _: Fault, __: WireAnswer) -> web.StreamResponse:
    raw_http.close(request)
    return _left(request)


async def _short_body(request: web.Request, fault: Fault, answer: WireAnswer) -> web.StreamResponse:
    body = _body(answer)
    part = cut(body, fault.number("keep"))
    raw_http.send(request, raw_http.http_bytes(answer.status, _headers(answer), part, len(body)))
    raw_http.close(request)
    return _left(request)


async def _wrong_length(
    request: web.Request, fault: Fault, answer: WireAnswer
) -> web.StreamResponse:
    body, by = _body(answer), fault.integer("by")
    length = max(0, len(body) + by)
    raw_http.send(request, raw_http.http_bytes(answer.status, _headers(answer), body, length))
    if by > 0:  # the client waits for more
        await raw_http.until_gone(request, None)
    raw_http.close(request)
    return _left(request)


async def _truncate(_: web.Request, fault: Fault, answer: WireAnswer) -> web.StreamResponse:
    return _with_body(answer, cut(_body(answer), fault.number("keep")))


async def _empty_body(_: web.Request, fault: Fault, __: WireAnswer) -> web.StreamResponse:
    return WireAnswer(
        body=b"", status=fault.integer("status"), headers={"Content-Type": CONTENT_TYPE}
    )


async def _html(_: web.Request, fault: Fault, __: WireAnswer) -> web.StreamResponse:
    status = fault.integer("status")
    return WireAnswer(
        text=_HTML.format(status=status), status=status, content_type="text/html", charset="utf-8"
    )


async def _corrupt_gzip(_: web.Request, __: Fault, answer: WireAnswer) -> web.StreamResponse:
    packed = bytearray(gzip.compress(_body(answer), mtime=0))
    for place in range(10, len(packed)):  # all behind the header, checksum included
        packed[place] ^= 0x5A
    damaged = _with_body(answer, bytes(packed))
    damaged.headers["Content-Encoding"] = "gzip"
    return damaged


async def _reply(_: web.Request, fault: Fault, __: WireAnswer) -> web.StreamResponse:
    body = fault.options["body"]
    error = described_error(fault)
    answer = error_answer(error)
    if body is not None:
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        status = fault.options["status"]
        answer = _with_body(answer, raw, status if isinstance(status, int) else 200)
    headers = fault.options["headers"]
    for name, text in (headers if isinstance(headers, dict) else {}).items():
        answer.headers[name] = text
    return answer


async def _refuse_connect(_: web.Request, fault: Fault, __: WireAnswer) -> web.StreamResponse:
    retry_after_s = fault.options["retry_after_s"]
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return web.Response(status=fault.integer("status"), headers=headers)


EFFECTS: Mapping[FaultKind, Effect] = {
    FaultKind.HANG: _hang,
    FaultKind.RESET: _reset,
    FaultKind.CLOSE: _close,
    FaultKind.SHORT_BODY: _short_body,
    FaultKind.WRONG_LENGTH: _wrong_length,
    FaultKind.TRUNCATE: _truncate,
    FaultKind.EMPTY_BODY: _empty_body,
    FaultKind.HTML: _html,
    FaultKind.CORRUPT_GZIP: _corrupt_gzip,
    FaultKind.REPLY: _reply,
    FaultKind.REFUSE_CONNECT: _refuse_connect,
}
"""What happens on the wire; the exchange's own states are in ``stated``."""


def stated(
    exchange: Exchange, fault: Fault, operation: OperationName | None, answer: WireAnswer
) -> WireAnswer | None:
    """Return the answer of an exchange that is in a state; ``None`` for faults of the wire."""
    if fault.kind is FaultKind.BAN:
        return error_answer(exchange.limits.gate.ban(fault.integer("ban_s")))
    if fault.kind is FaultKind.RATE_LIMIT:
        return error_answer(exchange.limits.throttle(fault.integer("retry_after_s")))
    if fault.kind is FaultKind.MAINTENANCE:
        if operation is OperationName.SYSTEM_STATUS:
            return json_answer({"status": 1, "msg": "system maintenance"})
        return error_answer(maintenance())
    if fault.kind is FaultKind.MARKET_CLOSED:
        if operation is OperationName.EXCHANGE_INFO:
            value = orjson.loads(_body(answer))
            return _with_body(answer, orjson.dumps(halted(value, fault.match.symbol)))
        return error_answer(market_closed())
    return None


def _with_body(answer: WireAnswer, body: bytes, status: int | None = None) -> WireAnswer:
    """Return an answer like another with another body."""
    headers = {name: text for name, text in answer.headers.items() if name != "Content-Length"}
    other = WireAnswer(body=body, status=status or answer.status, headers=headers)
    other.code = answer.code
    return other


def _headers(answer: WireAnswer) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name != "Content-Length"}
