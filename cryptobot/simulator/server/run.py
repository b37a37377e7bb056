"""Runs the exchange: two ports, the market's pace, and an end within a second."""

import asyncio
import errno
import os
import ssl
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import UserError
from cryptobot.simulator.server.app import Simulator
from telemetry.port_owner import port_owner

_STEP_S = 0.025
_IDLE_STEP_S = 0.1
_ENDED_STEP_S = 0.25
_SHUTDOWN_S = 0.5


@dataclass(frozen=True, slots=True)
class Ports:
    """Where it listens."""

    plain: int
    tls: int


class RunningSimulator:
    """A simulator on its ports; leave the context to end it.

    Args:
        simulator: The exchange.
        tls: The context of the TLS port.
        host: A loopback address.
        port: Plain port, 0 for a free one.
        tls_port: TLS port, 0 for a free one.

    Raises:
        UserError: A port is in use or not allowed.
    """

    def __init__(
        self,
        simulator: Simulator,
        tls: ssl.SSLContext,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int = 0,
    ) -> None:
        self._simulator = simulator
        self._tls = tls
        self._host = host
        self._wanted = Ports(port, tls_port)
        self._runner = web.AppRunner(simulator.app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        self._pace: asyncio.Task[None] | None = None
        self.ports = self._wanted

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            plain = await self._listen(self._wanted.plain, None, "--port")
            tls = await self._listen(self._wanted.tls, self._tls, "--tls-port")
        except BaseException:
            await self._runner.cleanup()
            raise
        self.ports = Ports(plain, tls)
        self._pace = asyncio.create_task(self._keep_pace())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pace is not None:
            self._pace.cancel()
            await asyncio.gather(self._pace, return_exceptions=True)
        await self._simulator.sockets.close_all()
        await self._runner.cleanup()

    @property
    def pace(self) -> asyncio.Task[None] | None:
        """The task that plays the market; it ends only by failing."""
        return self._pace

    async def _listen(self, port: int, tls: ssl.SSLContext | None, option: str) -> int:
        site = web.TCPSite(self._runner, self._host, port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            reason = (
                f"is in use by {port_owner(port) or 'an unknown process'}: stop it"
                if error.errno == errno.EADDRINUSE
                else f"cannot be used ({os.strerror(error.errno or 0)}): choose another"
            )
            raise UserError(
                f"port {port} on {self._host} {reason} or give another {option}"
            ) from None
        return int(self._runner.addresses[-1][1])

    async def _keep_pace(self) -> None:
        """Play the market as its events come due, in steps that are finer when somebody looks."""
        venue = self._simulator.exchange.venue
        while True:
            venue.advance()
            next_ns = venue.feed.next_ns()
            if next_ns is None:
                await asyncio.sleep(_ENDED_STEP_S)
                continue
            wait_s = (next_ns - venue.clock.now_ns()) / NS_PER_S / max(venue.clock.speed, 1e-9)
            step_s = _STEP_S if self._simulator.publisher.busy else _IDLE_STEP_S
            await asyncio.sleep(max(step_s, min(wait_s, _ENDED_STEP_S)))
