"""The seam at which faults are put between the wire and the exchange."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

Proceed = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultPlan(Protocol):
    """Decides, request by request, what goes wrong."""

    async def intercept(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        """Answer a request; ``proceed`` lets it through to the exchange.

        A plan may fail before ``proceed`` (the exchange never saw it) or after it (it did, and
        the answer is lost), or change the answer.
        """
        ...

    def describe(self) -> list[dict[str, object]]:
        """Return the faults in force."""
        ...


class NoFaults:
    """The plan of a healthy exchange."""

    async def intercept(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        """Let everything through."""
        return await proceed(request)

    def describe(self) -> list[dict[str, object]]:
        """Return nothing."""
        return []
