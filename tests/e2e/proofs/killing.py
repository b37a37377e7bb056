"""After ``kill -9`` at any moment under load, every order is accounted for and none is doubled.

Each round: orders flow, the engine is killed at a random moment, a new one starts on the same
state; when it has settled what it did not know, journal, exchange and metrics are compared.

The engine starts on paper after three crashes in ten minutes (a test of its own shows that). A
proof that kills a hundred times gets around this guard the only way there is: between death and
restart it marks the dead runs in the journal as cleanly ended.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.journal_file import forgive_crashes, read_orders
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.proofs.figures import quantile

LONGEST_LOAD_S = 2.0


@dataclass(slots=True)
class KillProof:
    """What the rounds showed.

    Attributes:
        cut_off: Orders without an answer in the journal at the moments of death, by state.
        ready_s: From start to the ready line, each restart.
        settled_s: From the ready line to agreement, each restart.
    """

    rounds: int = 0
    orders: int = 0
    fills: int = 0
    states: Counter[str] = field(default_factory=Counter)
    cut_off: Counter[str] = field(default_factory=Counter)
    rounds_with_cut_off: int = 0
    ready_s: list[float] = field(default_factory=list)
    settled_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, object]:
        """Return what is worth printing; differences would have ended the proof."""
        return {
            "rounds": self.rounds,
            "orders_in_the_journal": self.orders,
            "live_fills_equal_to_the_exchange": self.fills,
            "states": dict(self.states),
            "cut_off_at_the_kill": dict(self.cut_off),
            "rounds_with_orders_cut_off": self.rounds_with_cut_off,
            "restart_to_ready_s": _spread(self.ready_s),
            "ready_to_agreement_s": _spread(self.settled_s),
            "violations": 0,
            "errors_seen_by_clients": dict(self.errors),
        }


def prove_killing(
    home: Path, *, rounds: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> KillProof:
    """Kill ``rounds`` times; raise ``AssertionError`` at the first difference.

    Args:
        home: An empty folder with a short path.
        rounds: How often.
        seed: Of the orders and of the moments.
        progress: Told each round's number.
    """
    rng = random.Random(seed)
    proof = KillProof()
    never = Event()
    with SimulatorProcess(home / "sim", seed=seed) as simulator:
        engine = EngineProcess(simulator, home)
        try:
            for number in range(rounds):
                engine.until_trading()
                with OrderLoad(
                    engine.socket_path, seed=seed + number, rate=rng.choice((20, 20, 60))
                ) as load:
                    load.until_sent(1)
                    # Not synchronisation: the random moment of death is the point of the proof.
                    never.wait(rng.uniform(0.0, LONGEST_LOAD_S))
                    engine.kill()
                engine.end()
                proof.errors.update(load.tally.errors)
                _note_cut_off(proof, engine)
                forgive_crashes(engine.database)
                began = time.monotonic()
                engine = EngineProcess(simulator, home)
                ready = time.monotonic()
                agreed = until_agreed(engine, simulator, load.tally.orders)
                proof.ready_s.append(ready - began)
                proof.settled_s.append(time.monotonic() - ready)
                proof.orders, proof.fills, proof.states = agreed.orders, agreed.fills, agreed.states
                proof.rounds = number + 1
                progress(number + 1)
        finally:
            engine.end()
    return proof


def _note_cut_off(proof: KillProof, engine: EngineProcess) -> None:
    """Count what the dead engine left without an answer."""
    left = Counter(
        order.state
        for order in read_orders(engine.database)
        if order.mode == "live" and order.state in {"submitted", "unresolved"}
    )
    proof.cut_off.update(left)
    proof.rounds_with_cut_off += bool(left)


def _spread(values: list[float]) -> dict[str, float | None]:
    return {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99), "max": quantile(values, 1)}
