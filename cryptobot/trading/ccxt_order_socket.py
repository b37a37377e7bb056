"""Orders by websocket: Binance's ws-api, on a connection that carries nothing else.

ccxt.pro builds and signs each request; this stands in place of its websocket client, which writes
in a task of its own, behind a limiter, and classifies errors by another table than REST's.

==========================================  ====================================================
the connection                              the order
==========================================  ====================================================
is not up, or is lost before the write      was not sent; it goes by REST, under the same id
brings the answer                           is what the same answer by REST would make it
is lost after the write                     unknown
brings no answer in time                    unknown, and the connection is given up
brings what nobody can read, or an answer   unknown, like all others on it, and the connection is
that does not say to what                   given up
==========================================  ====================================================

While the connection is away it is opened again in the background; no order waits for that.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import aiohttp
import ccxt
import orjson
import structlog
from yarl import URL

from cryptobot.domain.errors import NotSent, OutcomeUnknown
from cryptobot.trading.background import Alarm, in_background
from cryptobot.trading.ccxt_session import CURRENT_GATE, HEARTBEAT_S, GatedSocket
from cryptobot.trading.ccxt_translation import one_line
from cryptobot.trading.traffic import Traffic

CHANNEL: Final = "order_entry"
"""What its ups and downs are reported as."""

PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Before the connection is opened again, by how many in a row ended without having brought an
answer. docs: 300 connections in 5 minutes, and an address has other streams too."""

OK: Final = 200

Answer = Mapping[str, Any]

_log = structlog.stdlib.get_logger("cryptobot.exchange")


class NotWritten(Exception):  # noqa: N818 - reads as what it says
    """Nothing of the order was written to the websocket."""


class OrderSocket:
    """Keeps the connection and places orders by it. Make it inside the running loop.

    Args:
        instance: The ccxt.pro instance that writes orders, on a gated session.
        traffic: The exchange's budget and silences.
        timeout_s: Longest wait for an answer, and for a connection.
        note: Told of the connection: event (``connected``, ``message``,
            ``disconnected``) and reason.
    """

    def __init__(
        self,
        instance: Any,
        traffic: Traffic,
        *,
        timeout_s: float,
        note: Callable[[str, str | None], None],
    ) -> None:
        self._instance = instance
        self._traffic = traffic
        self._timeout_s = timeout_s
        self._note = note
        self._url: str = instance.urls["api"]["ws"]["ws-api"]["spot"]
        self._host = traffic.limits_of(URL(self._url).host)
        self._socket: GatedSocket | None = None
        self._up = asyncio.Event()
        self._useless = 0
        self._alarm = Alarm()
        self._waiting: dict[str, asyncio.Future[Answer | Exception]] = {}
        instance.watch = self._ask
        instance.options["createOrderWs"] = {"returnRateLimits": True}
        self._keeper = in_background(self._keep(), "order-socket")

    def hasten(self) -> None:
        """Open the connection now if it waits for that: the exchange answers again."""
        self._useless = 0
        self._alarm.ring()

    async def up(self) -> None:
        """Wait until orders go by websocket."""
        await self._up.wait()

    async def close(self) -> None:
        """Close the connection; what waits for an answer is unknown."""
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    async def place(  # noqa: PLR0917 - the arguments of ccxt's create_order
        self,
        symbol: str,
        kind: str,
        side: str,
        amount: str,
        price: str | None,
        params: Mapping[str, object],
    ) -> Any:
        """Place an order as ccxt's ``create_order`` does, and return ccxt's unified order.

        Raises:
            NotWritten: Nothing was sent; the order may go by REST.
            NotSent, OutcomeUnknown: As they say.
            ccxt.BaseError: As of ``create_order``.
        """
        if self._socket is None:
            raise NotWritten
        ccxt_ = self._instance
        # ccxt.pro would send its own parameter along, which the exchange does not know.
        own = {name: value for name, value in params.items() if name != "postOnly"}
        if "postOnly" in params:
            kind = "LIMIT_MAKER"
        if ccxt_.enableRateLimit:
            await ccxt_.throttle(ccxt_.api["private"]["post"]["order"]["cost"])
        answer = await ccxt_.create_order_ws(symbol, kind, side, amount, price, own)
        return ccxt_.parse_order(self._result(answer), ccxt_.market(symbol))

    async def _ask(self, _: str, request_id: str, request: object, *__: object) -> Answer:
        """Send a request and return its answer: what ccxt.pro calls to reach the exchange."""
        socket, gate = self._socket, CURRENT_GATE.get()
        if socket is None:
            raise NotWritten
        reply: asyncio.Future[Answer | Exception] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = reply
        try:
            async with asyncio.timeout(self._timeout_s):
                await socket.send_str(orjson.dumps(request).decode())
                answer = await reply
        except TimeoutError:
            if gate is not None and gate.sent:
                self._give_up(socket)
            raise ccxt.RequestTimeout(f"no answer to {CHANNEL} in {self._timeout_s} s") from None
        except (aiohttp.ClientError, OSError) as error:
            if gate is not None and not gate.sent:
                raise NotWritten from error
            raise ccxt.NetworkError(str(error)) from error
        finally:
            del self._waiting[request_id]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _result(self, answer: Answer) -> Mapping[str, Any]:
        """Return what an answer brings, or raise as ccxt does for the same answer by REST."""
        status, error, result = (answer.get(name) for name in ("status", "error", "result"))
        if status == OK and error is None and isinstance(result, Mapping):
            self._instance.options["hasAlreadyAuthenticatedSuccessfully"] = True  # as after REST
            return result
        if isinstance(status, int):
            url, body = f"{self._instance.urls['api']['private']}/order", orjson.dumps(error)
            said = (status, "", url, "POST")
            self._instance.handle_errors(*said, {}, body.decode(), error, {}, {})
            self._instance.handle_http_status_code(*said, body.decode())
        raise OutcomeUnknown("the reply made no sense", "unreadable_reply")

    # The connection

    async def _keep(self) -> None:
        """Keep a connection open, for ever."""
        while True:
            reason = "error"
            try:
                reason = await self._hold()
            except (aiohttp.ClientError, OSError, NotSent) as error:
                _log.warning("order_socket_failed", reason=one_line(error))
            except Exception:  # noqa: BLE001 - whatever it is: orders go by REST, and it is tried again
                _log.exception("order_socket_broke")
            self._note("disconnected", reason)
            pause_s = PAUSES_S[min(self._useless, len(PAUSES_S) - 1)]
            self._useless += 1
            await self._alarm.pause(pause_s)
            await asyncio.sleep(self._traffic.silent_s())

    async def _hold(self) -> str:
        """Open a connection and return why it ended."""
        async with asyncio.timeout(self._timeout_s):
            opened = await self._instance.session.ws_connect(self._url, heartbeat=HEARTBEAT_S)
        socket = cast("GatedSocket", opened)
        lost: Exception = ccxt.NetworkError("the connection was lost before the answer")
        try:
            self._socket = socket
            self._up.set()
            self._note("connected", None)
            _log.info("order_socket_connected")
            return await self._listen(socket)
        except ValueError as error:
            lost = OutcomeUnknown(f"the reply could not be read: {error}", "unreadable_reply")
            return "malformed"
        finally:
            self._leave()
            for reply in self._waiting.values():
                if not reply.done():
                    reply.set_result(lost)
            await socket.close()

    async def _listen(self, socket: GatedSocket) -> str:
        """Take in what comes and return why no more does.

        Raises:
            ValueError: Something made no sense.
        """
        async for message in socket:
            if message.type is aiohttp.WSMsgType.ERROR:
                return "silent" if isinstance(message.data, TimeoutError) else "error"
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ValueError("a frame that is no text")
            self._take(orjson.loads(message.data))
            if self._socket is not socket and all(map(asyncio.Future.done, self._waiting.values())):
                break
        return "closed"

    def _take(self, message: object) -> None:
        """Take in a message. Raises ``ValueError`` for one that makes no sense."""
        if not isinstance(message, Mapping):
            raise ValueError("a message that is no object")  # noqa: TRY004 - as for bad JSON
        event = message.get("event")
        if isinstance(event, Mapping):
            if event.get("e") == "serverShutdown":
                self._leave()  # answers may still come
            return
        status, request_id = message.get("status"), message.get("id")
        self._traffic.heard_in(self._host, message)
        if not isinstance(request_id, str):
            raise ValueError("an answer that does not say to what")  # noqa: TRY004 - as above
        self._note("message", None)
        self._useless = 0
        reply = self._waiting.get(request_id)
        if reply is None or reply.done():
            _log.info("order_socket_late_answer", requestNumber=request_id, status=status)
            return
        reply.set_result(message)

    def _leave(self) -> None:
        """Let further orders go by REST."""
        self._socket = None
        self._up.clear()

    def _give_up(self, socket: GatedSocket) -> None:
        """Trust a connection no more."""
        if self._socket is socket:
            self._leave()
        socket.abort()
