"""The network card of one engine process, and what goes wrong on its wire."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from random import Random
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest

from cryptobot.domain.clock import Clock
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.traffic import BANNED

from .http_reader import Request, RequestReader, refusal_of
from .model_wire import ROUNDING_S
from .network import End, join
from .tier import World
from .weather import LATEST_ARRIVAL_S, WriteFault

TRAVEL_S: Final = (0.001, 0.04)
RESET_S: Final = 0.05
"""When a client hears of a connection that broke."""

OPCODE: Final = 0x0F
TEXT_FRAME: Final = 1
USER_HOST: Final = "ws-api."
MARKET_HOST: Final = "stream."


class Fate(Enum):
    """What becomes of a request's last bytes, and of their connection."""

    ARRIVES = auto()
    LOST_UNHEARD = auto()
    """It is lost; the connection is dead, and nobody knows."""
    LOST_AND_RESET = auto()
    LATE = auto()
    """The connection breaks at once, and it arrives all the same, later."""
    ANSWER_UNHEARD = auto()
    """It arrives; nothing comes back any more, and nobody knows."""
    ANSWER_RESET = auto()


FATES: Final = {
    WriteFault.REQUEST_LOST: (Fate.LOST_UNHEARD, Fate.LOST_AND_RESET),
    WriteFault.REQUEST_LATE: (Fate.LATE,),
    WriteFault.REPLY_LOST: (Fate.ANSWER_UNHEARD, Fate.ANSWER_RESET),
}
"""The rest happens at the exchange: ``wire_faults.py``, which has half of the lost replies too."""

OF_READS: Final = (
    Fate.LOST_UNHEARD,
    Fate.LOST_AND_RESET,
    Fate.ANSWER_UNHEARD,
    Fate.ANSWER_RESET,
)


class NoWay(Enum):
    """Why there is no connection, as it can look from one moment to the next."""

    REFUSED = auto()
    NO_NAME = auto()
    """The name server does not answer."""
    NOT_TRUSTED = auto()
    """The certificate is not the exchange's: a hotel's page, a proxy."""
    NO_ANSWER = auto()
    """Nothing comes back at all."""


class WireWay:
    """Implements ``Way``: real clients, on a network in memory.

    Args:
        world: Where it is.
        server: Makes what reads at the exchange, and its context.
        rng: Chooses what goes wrong.
    """

    def __init__(
        self, world: World, server: Callable[[], tuple[asyncio.Protocol, Context]], rng: Random
    ) -> None:
        self.world = world
        self.rng = rng
        self.seed = rng.getrandbits(32)
        self.cut = False
        self._server = server
        self._ends: list[ClientEnd] = []
        self._broken: set[str] = set()
        self._silences: dict[str | None, tuple[float, float]] = {}

    def client(self, config: ExchangeConfig, clock: Clock, /, **observers: Any) -> ExchangeClient:
        """Make a client that connects here."""
        connector = partial(MemoryConnector, self)
        return ExchangeClient(replace(config, connector=connector), clock, **observers)

    def close(self) -> None:
        """Cut it: the machine hangs up, or is not there any more."""
        self.cut = True
        for end in self._open():
            if self.rng.random() < 0.7:
                end.abort()
            else:
                end.other.go_dead()
            end.cut = True

    def at_rest(self) -> None:
        """Break what is open while the exchange cannot be reached, or what streams while it is not.

        Half of the streams' breaks are of the kind that nobody is told of.
        """
        if self.cut:
            return
        weather = self.world.weather()
        if weather.writes.get(WriteFault.UNREACHABLE, 0) == 1:
            for end in self._open():
                _reset(end, 0.0)
        for host, broken in ((USER_HOST, weather.deaf), (MARKET_HOST, weather.silent)):
            begins = broken and host not in self._broken
            (self._broken.add if broken else self._broken.discard)(host)
            if begins and self.rng.random() < 0.5:
                self._kill(host)

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Open a connection. Raises ``OSError``, or never returns."""
        await asyncio.sleep(2 * self.rng.uniform(*TRAVEL_S))
        fails = self.world.weather().writes.get(WriteFault.UNREACHABLE, 0)
        if self.cut:
            raise ConnectionRefusedError(111, "Connection refused")
        if self.rng.random() < fails:
            await self._fail(self.rng.choice(tuple(NoWay)))
        server, context = self._server()
        # Its own: aiohttp closes connections in no order, and that must not show in others.
        travel_s = partial(Random(self.rng.getrandbits(32)).uniform, *TRAVEL_S)
        end = ClientEnd(self, protocol, copy_context(), travel_s)
        self._ends.append(end)
        join(end, End(self.world.loop, server, context, travel_s))

    async def _fail(self, how: NoWay) -> None:
        self.world.witness.on_event(f"no connection {how.name.lower()}")
        match how:
            case NoWay.REFUSED:
                raise ConnectionRefusedError(111, "Connection refused")
            case NoWay.NO_NAME:
                raise socket.gaierror(-3, "Temporary failure in name resolution")
            case NoWay.NOT_TRUSTED:
                raise ssl.SSLCertVerificationError(1, "certificate verify failed")
            case NoWay.NO_ANSWER:
                await asyncio.Event().wait()

    def heard(self, host: str, refusal: tuple[int, float]) -> None:
        """Note that the process has heard that the exchange wants silence."""
        status, wait_s = refusal
        now_s = self.world.loop.time()
        key = None if status == BANNED else host
        until_s = max(now_s + wait_s, self._silences.get(key, (0.0, 0.0))[1])
        self.world.witness.on_event(f"told {status}, {wait_s:.0f} s")
        self._silences[key] = (now_s, until_s)

    def asked(self, host: str, what: str) -> None:
        """Judge a request that leaves, or a message to a socket."""
        now_s = self.world.loop.time()
        for key in (None, host):
            since_s, until_s = self._silences.get(key, (0.0, 0.0))
            if since_s < now_s < until_s - ROUNDING_S:
                self.world.witness.on_noise(what)

    def fate(self, request: Request) -> Fate:
        """Choose what becomes of a request."""
        weather = self.world.weather()
        chance = self.rng.random()
        if not (request.is_order or request.is_cancel):
            return self.rng.choice(OF_READS) if chance < weather.read_fails / 2 else Fate.ARRIVES
        for fault, fates in FATES.items():
            probability = weather.writes.get(fault, 0)
            if fault is WriteFault.REPLY_LOST:
                probability /= 2
            chance -= probability
            if chance < 0:
                return self.rng.choice(fates)
        return Fate.ARRIVES

    def _kill(self, host: str) -> None:
        """Let the websockets of a host go dead."""
        self.world.witness.on_event(f"dead {host}")
        for end in self._open():
            if end.host.startswith(host):
                end.go_dead()
                end.other.go_dead()

    def _open(self) -> "list[ClientEnd]":
        self._ends = [end for end in self._ends if not end.is_closing()]
        return list(self._ends)


class ClientEnd(End):
    """The engine's end of a connection: what it writes is looked at, and may go wrong."""

    def __init__(
        self,
        way: WireWay,
        protocol: asyncio.Protocol,
        context: Context,
        travel_s: Callable[[], float],
    ) -> None:
        super().__init__(way.world.loop, protocol, context, travel_s)
        self._way = way
        self._reader = RequestReader()
        self.host = ""
        """Whose the latest request was."""

    def receive(self, data: bytes, on_lost: Callable[[], None] | None = None) -> None:
        """Read bytes."""
        refusal = refusal_of(data)
        if refusal is not None and not (self._closing or self.cut):
            self._way.heard(self.host, refusal)
        super().receive(data, on_lost)

    def write(self, data: Any) -> None:
        """Send bytes; those that complete a request meet its fate."""
        if self._closing or self.cut:
            return
        request = self._reader.feed(bytes(data))
        if request is None:
            if self._reader.upgraded and data[0] & OPCODE == TEXT_FRAME:
                self._way.asked(self.host, f"a message to {self.host}")
            super().write(data)
            return
        self.host = request.host
        self._way.asked(request.host, f"{request.method} {request.path}")
        witness = self._way.world.witness
        if request.is_order:
            fields = request.fields
            witness.on_left(request.name, f"{fields.get('side')} {fields.get('quantity')}")
        fate = self._way.fate(request)
        witness.on_event(f"sent {request.method} {request.path} {fate.name.lower()}")
        self._carry(bytes(data), request.name if request.is_order else None, fate)

    def _carry(self, data: bytes, name: str | None, fate: Fate) -> None:
        travel_s = self._travel_s()
        if fate is Fate.LATE:
            travel_s = self._way.rng.uniform(RESET_S, LATEST_ARRIVAL_S)
        if fate is Fate.LOST_UNHEARD:
            self.go_dead()
            self.other.go_dead()
        elif fate is not Fate.LOST_AND_RESET:
            self._send_whole(data, name, travel_s)
        if fate is Fate.ANSWER_UNHEARD:
            self.go_dead()
        if fate in {Fate.LOST_AND_RESET, Fate.LATE, Fate.ANSWER_RESET}:
            _reset(self, RESET_S if fate is Fate.LATE else travel_s + RESET_S)

    def _send_whole(self, data: bytes, name: str | None, travel_s: float) -> None:
        witness = self._way.world.witness
        lost = None if name is None else partial(witness.on_lost, name)
        if self.send(travel_s, partial(self.other.receive, data, lost)) and name is not None:
            witness.on_sent(name)


def _reset(end: End, wait_s: float) -> None:
    """Break a connection: its end hears so after a while, the other one behind what comes."""
    end.deaf = True
    end._loop.call_later(wait_s, end.lose, ConnectionResetError("reset"), context=end._context)
    end.other.expect(wait_s, partial(end.other.lose, ConnectionResetError("reset")))


class MemoryConnector(aiohttp.BaseConnector):
    """aiohttp's pool of connections over the network in memory."""

    def __init__(self, way: WireWay) -> None:
        super().__init__(keepalive_timeout=75)
        self._way = way

    @property
    def closed(self) -> bool:
        """Whether it is closed, or its process gone: then nobody has to close it."""
        return self._closed or self._way.cut

    def __del__(self, _: Any = None) -> None:
        """Say nothing: a process that was killed has not closed it."""

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: Any,
        timeout: Any,  # noqa: ASYNC109 - aiohttp's; its own total holds here too
    ) -> ResponseHandler:
        del traces, timeout
        protocol: ResponseHandler = self._factory()
        try:
            await self._way.connect(protocol)
        except socket.gaierror as error:
            raise aiohttp.ClientConnectorDNSError(req.connection_key, error) from error
        except ssl.SSLCertVerificationError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error
        return protocol
