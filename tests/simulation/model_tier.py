"""The tier of models: thousands of runs, with a client and a wire that are ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from cryptobot.domain.clock import Clock

from .model_client import ModelClient
from .model_exchange import ModelExchange
from .model_wire import ModelWire
from .tier import World


class ModelWay:
    """Implements ``Way``.

    Args:
        wire: Where it leads.
    """

    def __init__(self, wire: ModelWire) -> None:
        self.wire = wire
        self.seed = wire.seed

    def client(self, _: object, clock: Clock, /, **observers: Any) -> ModelClient:
        """Make a model of the client."""
        return ModelClient(self.wire, clock, **observers)

    def close(self) -> None:
        """Cut it."""
        self.wire.close()

    def at_rest(self) -> None:
        """Break the user stream or bring it back."""
        self.wire.watch_connection()


class ModelTier:
    """Implements ``Tier``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.exchange = ModelExchange(world.loop, world.rng("market"))
        self.exchange.watchers.append(lambda _: world.witness.on_report())
        self._wire: ModelWire | None = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Nothing has to be done."""
        yield

    async def open(self) -> None:
        """Nothing has to be begun."""

    def way(self, rng: Random) -> ModelWay:
        """Make the way of a new engine."""
        world = self._world
        self._wire = ModelWire(world.loop, self.exchange, world.weather, rng, world.witness)
        return ModelWay(self._wire)

    def move(self) -> None:
        """Let the market move a step, and the engine hear of it."""
        self.exchange.move()
        if self._wire is not None and not self._wire.cut:
            for event in self.exchange.news():
                self._wire.on_market(event)

    def begin_faults(self) -> None:
        """The weather is asked as things happen."""

    def end_faults(self) -> None:
        """The weather is asked as things happen."""
