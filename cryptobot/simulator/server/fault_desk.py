"""``/sim/faults``: faults are set, listed and taken away by hand."""

from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

from cryptobot.simulator.faults.kinds import FaultKind
from cryptobot.simulator.faults.plan import FaultPlan
from cryptobot.simulator.faults.presets import catalogue
from cryptobot.simulator.faults.reading import BadFault, read_faults
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.streams.event_faults import EventFaults

_LASTING: Final = frozenset({FaultKind.BAN, FaultKind.RATE_LIMIT})
"""Fire once, and what they began goes on."""


class FaultDesk:
    """Answers ``/sim/faults``.

    Args:
        plan: The faults in force.
        exchange: Lifts its bans.
        sockets: Those that are open.
        events: Lets faults happen to them.
    """

    def __init__(
        self, plan: FaultPlan, exchange: Exchange, sockets: Sockets, events: EventFaults
    ) -> None:
        self._plan = plan
        self._exchange = exchange
        self._sockets = sockets
        self._events = events

    async def listed(self, _: web.Request) -> web.Response:
        """Return the faults in force, with how often each fired.

        ``lasts_until_ms`` is when the refusals end that a ban or limit has begun.
        """
        until_ms = self._exchange.limits.gate.refuses_until_ms
        return _json(
            [
                {**fault, "lasts_until_ms": until_ms if _began_refusals(fault) else None}
                for fault in self._plan.describe()
            ]
        )

    async def presets(self, _: web.Request) -> web.Response:
        """Return the presets, each with one line for people."""
        return _json(catalogue())

    async def add(self, request: web.Request) -> web.Response:
        """Set what the body describes; return the ids."""
        try:
            faults = read_faults(orjson.loads(await request.read()))
        except orjson.JSONDecodeError as error:
            return _json({"error": f"body: is no JSON: {error}"}, 400)
        except BadFault as error:
            return _json({"error": str(error)}, 400)
        ids = self._plan.add(faults)
        self._events.begin(self._sockets)
        return _json({"ids": ids}, 201)

    async def clear(self, _: web.Request) -> web.Response:
        """Take all faults away, and lift what they left: bans and refusals."""
        self._exchange.limits.gate.pardon()
        return _json({"removed": self._plan.clear()})

    async def remove(self, request: web.Request) -> web.Response:
        """Take one fault away, and lift the refusals that it began."""
        fault_id = request.match_info["id"]
        if any(_began_refusals(f) for f in self._plan.describe() if f["id"] == fault_id):
            self._exchange.limits.gate.pardon()
        if not self._plan.remove(fault_id):
            return _json({"error": f"id: no fault {fault_id}; GET /sim/faults lists them"}, 404)
        return _json({"removed": 1})


def _began_refusals(fault: Mapping[str, object]) -> bool:
    return fault["kind"] in _LASTING and fault["fired"] != 0


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
