"""After ``kill -9`` at any moment under load, every order is accounted for and none is doubled.

Each round: orders flow, the engine is killed at a random moment, a new one starts on the same
state; when it has settled what it did not know, journal, exchange and metrics are compared.

In its harder form the wire fails all the while, also during the restart: requests and answers are
lost, cut and late, events of the account are lost, doubled and out of order. The faults end when
the new engine has announced itself.

The engine starts on paper after three crashes in ten minutes (a test of its own shows that). A
proof that kills a hundred times gets around this guard the only way there is: between death and
restart it marks the dead runs in the journal as cleanly ended.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.journal_file import forgive_crashes, read_orders
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.proofs.fault_matrix import clear_faults, set_faults
from tests.e2e.proofs.figures import spread

LONGEST_LOAD_S = 2.0

_ORDER = {"operation": "place_order"}
_TOLD = {"event": "executionReport"}
FAULTS = (
    {"kind": "reset", "match": {"operation": "any"}, "probability": 0.03, "when": "before"},
    {"kind": "reset", "match": {"operation": "any"}, "probability": 0.03, "when": "after"},
    {"kind": "hang", "match": _ORDER, "probability": 0.04, "when": "after"},
    {"kind": "hang", "match": _ORDER, "probability": 0.02, "when": "before"},
    {"kind": "html", "match": _ORDER, "probability": 0.05, "status": 502, "when": "after"},
    {"kind": "truncate", "match": _ORDER, "probability": 0.04, "when": "after"},
    {"kind": "short_body", "match": {"operation": "query_order"}, "probability": 0.05},
    {"kind": "delay", "match": {"channel": "rest"}, "probability": 0.2, "delay_ms": 50,
     "jitter_ms": 400},
    {"kind": "drop", "match": _TOLD, "probability": 0.2},
    {"kind": "duplicate", "match": _TOLD, "probability": 0.1},
    {"kind": "reorder", "match": _TOLD, "probability": 0.1},
)  # fmt: skip
"""What the wire does in the harder form."""

FAULTY_SETTINGS = (
    *LOAD_SETTINGS,
    "exchange.timeout_s=1",
    "failover.enabled=false",
    "breaker.failures=1000",
)
"""Short waits, and nobody who leaves live because of the faults."""


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
            "restart_to_ready_s": spread(self.ready_s),
            "ready_to_agreement_s": spread(self.settled_s),
            "violations": 0,
            "errors_seen_by_clients": dict(self.errors),
        }


def prove_killing(
    home: Path,
    *,
    rounds: int,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
    faults: Sequence[Mapping[str, object]] = (),
) -> KillProof:
    """Kill ``rounds`` times; raise ``AssertionError`` at the first difference.

    Args:
        home: An empty folder with a short path.
        rounds: How often.
        seed: Of the orders and of the moments.
        progress: Told each round's number.
        faults: What the wire does meanwhile.
    """
    settings = FAULTY_SETTINGS if faults else LOAD_SETTINGS
    rng = random.Random(seed)
    proof = KillProof()
    never = Event()
    with SimulatorProcess(home / "sim", seed=seed) as simulator:
        engine = EngineProcess(simulator, home, settings=settings)
        try:
            for number in range(rounds):
                engine.until_trading()
                set_faults(simulator, faults)
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
                engine = EngineProcess(simulator, home, settings=settings)
                ready = time.monotonic()
                clear_faults(simulator)
                agreed = until_agreed(engine, simulator, load.tally.orders, deadline_s=60)
                proof.ready_s.append(ready - began)
                proof.settled_s.append(time.monotonic() - ready)
                proof.orders, proof.fills, proof.states = agreed.orders, agreed.fills, agreed.states
                proof.rounds = number + 1
                progress(number + 1)
        finally:
            engine.end()
    return proof


def prove_killing_under_faults(
    home: Path, *, rounds: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> KillProof:
    """As ``prove_killing``, while the wire fails."""
    return prove_killing(home, rounds=rounds, seed=seed, progress=progress, faults=FAULTS)


def _note_cut_off(proof: KillProof, engine: EngineProcess) -> None:
    """Count what the dead engine left without an answer."""
    left = Counter(
        order.state
        for order in read_orders(engine.database)
        if order.mode == "live" and order.state in {"submitted", "unresolved"}
    )
    proof.cut_off.update(left)
    proof.rounds_with_cut_off += bool(left)
