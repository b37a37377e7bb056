"""One engine lives through round after round of any weather, stays right, and does not grow.

Each round: a person goes live if need be, one to three of the exchange's presets go wrong at once,
orders flow all the while, and half of the times somebody interferes: switches to paper, with or
without cancelling, or restarts the exchange client. Then the faults end, and without a restart
journal, exchange and metrics come to agree, the mode is live again on demand, and new orders work.
The first half of the rounds sends orders by REST, the second by websocket, each by one engine.

What an engine holds of memory and files is measured in every round. A first quarter warms up; what
grows from there on, grows for ever.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from cryptobot.simulator.faults.presets import PRESETS
from tests.e2e.harness.agreement import Agreement, until_agreed
from tests.e2e.harness.engine_process import LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import NotReachedError
from tests.e2e.proofs.fault_matrix import clear_faults, set_faults
from tests.e2e.proofs.figures import counted_from, spread
from tests.e2e.proofs.switch_under_load import live_by_socket

SETTINGS: Final = (
    *LOAD_SETTINGS,
    "exchange.timeout_s=1",
    "failover.failed_orders=8",
    "failover.failed_window_s=10",
    "breaker.open_s=2",
    "retry.server_s=0.2,0.4,0.8",
    "retry.rate_limit_s=0.5,1,2",
)
"""Short waits; failover and breakers work, so that trouble ends on paper now and then."""

ENTRIES: Final = ("rest", "websocket")

SHORTER: Final[Mapping[str, Mapping[str, object]]] = {
    "ban": {"ban_s": 8},
    "rate_limit": {"retry_after_s": 3},
    "busy": {"retry_after_s": 3},
    "too_many_orders": {"retry_after_s": 3},
    "connect_refused": {"retry_after_s": 3},
}
"""What the exchange says of how long to be silent, by preset: the engine obeys it to the end."""

MOST_AT_ONCE: Final = 3
"""Presets that go wrong together."""

LONGEST_S: Final = 5.0
"""Of a round's trouble."""

RESTARTS: Final = "restarts the exchange client"
TO_PAPER: Final = {"switches to paper": False, "switches to paper, cancelling": True}
ACTS: Final = (*["does nothing"] * 3, RESTARTS, *TO_PAPER)
"""What a person does meanwhile, as often as it is listed."""

WARM_UP: Final = 0.25
"""The share of an engine's rounds after which growth counts."""

GROWTH: Final = 1.4
"""How often as much memory as when it was warm an engine may hold at its end. A quarter is for the
closed orders that it keeps (``order_tracker.CLOSED_KEPT``)."""

JUDGED_ROUNDS: Final = 40
"""Rounds of one engine from which on its growth says something."""

SHOWN: Final = 8
"""Of the rounds that took longest to come to rest."""

FILES: Final = 8
"""Files and sockets more than after warming up that may be open in every round: a burst of requests
leaves connections that stay open for a while, but what leaks never goes."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an engine holds of the machine.

    Attributes:
        memory_mb: Resident, MiB.
        files: Open files and sockets.
        threads: Threads.
    """

    memory_mb: float
    files: int
    threads: int


@dataclass(slots=True)
class EnduranceProof:
    """What the rounds showed.

    Attributes:
        weather: Rounds by preset.
        people: Rounds by what somebody did.
        ended_on_paper: Rounds whose trouble left it on paper, by hand or by itself.
        agreed_s: From the end of the faults to agreement, each round, and what went wrong in it.
        held: By way of order entry, each round.
    """

    rounds: int = 0
    orders: int = 0
    fills: int = 0
    late: int = 0
    ended_on_paper: int = 0
    weather: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    agreed_s: list[tuple[float, str]] = field(default_factory=list)
    held: dict[str, list[Held]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """Return what is worth printing."""
        return {
            "rounds": self.rounds,
            "presets_met": f"{len(self.weather)} of {len(PRESETS)}",
            "orders_in_the_journal": self.orders,
            "live_fills_equal_to_the_exchange": self.fills,
            "received_after_paper_was_told": self.late,
            "rounds_that_ended_on_paper": self.ended_on_paper,
            "people": dict(self.people),
            "faults_over_to_agreement_s": spread([seconds for seconds, _ in self.agreed_s]),
            "longest": [
                f"{seconds:.1f} s after {what}"
                for seconds, what in sorted(self.agreed_s, reverse=True)[:SHOWN]
            ],
            "memory_mb_warm_and_at_the_end": {
                entry: [_warm(held).memory_mb, held[-1].memory_mb]
                for entry, held in self.held.items()
            },
            "files_always_open_when_warm_and_at_the_end": {
                entry: _always(held, "files") for entry, held in self.held.items()
            },
            "outcomes": dict(self.outcomes),
            "wrong": self.wrong,
            "violations": self.late + len(self.wrong),
        }


def prove_endurance(
    home: Path, *, rounds: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> EnduranceProof:
    """Play ``rounds`` rounds; raise ``AssertionError`` at the first that does not end well."""
    proof = EnduranceProof()
    for number, entry in enumerate(ENTRIES):
        share = (rounds + number) // len(ENTRIES)
        told = counted_from(progress, proof.rounds)
        if share:
            _prove(proof, entry, home / entry, share, seed=seed + number, progress=told)
    return proof


def _prove(
    proof: EnduranceProof,
    entry: str,
    home: Path,
    rounds: int,
    *,
    seed: int,
    progress: Callable[[int], None],
) -> None:
    rng = random.Random(seed)
    held = proof.held.setdefault(entry, [])
    on_paper: list[tuple[int, int]] = []
    agreed = Agreement()
    with (
        SimulatorProcess(home / "sim", seed=seed) as simulator,
        EngineProcess(
            simulator, home, settings=(*SETTINGS, f"exchange.order_entry={entry}")
        ) as engine,
    ):
        for number in range(rounds):
            weather = rng.sample(sorted(PRESETS), rng.randint(1, MOST_AT_ONCE))
            what = f"{' and '.join(weather)} ({entry}, seed {seed}, round {number + 1})"
            try:
                engine.until_trading()
                with OrderLoad(
                    engine.socket_path, seed=seed * 1000 + number, rate=rng.choice((10, 20, 40))
                ) as load:
                    load.until_sent(1)
                    paper_ns = _trouble(proof, engine, simulator, weather, rng)
                proof.outcomes += load.tally.outcomes
                clear_faults(simulator)
                over = time.monotonic()
                agreed = until_agreed(engine, simulator, load.tally.orders, deadline_s=90)
                proof.agreed_s.append((time.monotonic() - over, what))
                if engine.status()["mode"] == "paper":
                    proof.ended_on_paper += 1
                    on_paper.append((paper_ns or time.monotonic_ns(), live_by_socket(engine)))
            except NotReachedError as error:
                raise NotReachedError(f"after {what}: {error}") from error
            held.append(holds(engine.pid))
            proof.rounds += 1
            progress(number + 1)
        received = [int(order["received_monotonic_ns"]) for order in simulator.orders()]
    proof.orders += agreed.orders
    proof.fills += agreed.fills
    proof.late += sum(told < at < live for at in received for told, live in on_paper)
    proof.wrong += [f"{entry}: {line}" for line in (*_grown(held), *_broken(home / "logs"))]


def _trouble(
    proof: EnduranceProof,
    engine: EngineProcess,
    simulator: SimulatorProcess,
    weather: Sequence[str],
    rng: random.Random,
) -> int | None:
    """Let it go wrong for a while; return when somebody was told that it is paper, monotonic."""
    proof.weather.update(weather)
    for name in weather:
        set_faults(
            simulator, [{**fault, **SHORTER.get(name, {})} for fault in PRESETS[name].faults]
        )
    # Not synchronisation: how long it goes wrong, and when somebody interferes, is up to chance.
    chance, paper_ns = Event(), None
    chance.wait(rng.uniform(0, LONGEST_S / 2))
    act = rng.choice(ACTS)
    proof.people[act] += 1
    if act == RESTARTS:
        engine.call("exchange.restart")
    elif act in TO_PAPER:
        cancel_open = TO_PAPER[act]
        engine.call("mode.set", mode="paper", reason="r", actor="a", cancel_open=cancel_open)
        paper_ns = time.monotonic_ns()
    chance.wait(rng.uniform(0, LONGEST_S / 2))
    return paper_ns


def holds(pid: int) -> Held:
    """Return what a process holds now, as Linux tells it."""
    process = Path("/proc") / str(pid)
    told = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    return Held(
        memory_mb=round(int(told["VmRSS"].split()[0]) / 1024, 1),
        files=sum(1 for _ in (process / "fd").iterdir()),
        threads=int(told["Threads"]),
    )


def _warm(held: Sequence[Held]) -> Held:
    return held[int(len(held) * WARM_UP)]


def _grown(held: Sequence[Held]) -> list[str]:
    """Return what has grown since it was warm; too few rounds tell nothing."""
    if len(held) < JUDGED_ROUNDS:
        return []
    before, after = _warm(held), held[-1]
    found = []
    if after.memory_mb > before.memory_mb * GROWTH:
        found.append(f"memory grew from {before.memory_mb} to {after.memory_mb} MiB")
    for what in ("files", "threads"):
        warm, last = _always(held, what)
        if last > warm + FILES:
            found.append(f"{what} open at all times grew from {warm} to {last}")
    return found


def _always(held: Sequence[Held], what: str) -> list[int]:
    """Return how many there were at least: in the quarter after warming up, and in the last."""
    quarter = int(len(held) * WARM_UP)
    parts = (held[quarter : 2 * quarter] or held, held[-quarter:])
    return [min(getattr(it, what) for it in part) for part in parts]


def _broken(logs: Path) -> list[str]:
    """Return the records that carry an exception: whatever the weather, none is unforeseen."""
    return [
        f"logged with an exception: {line[:500]}"
        for file in sorted(logs.iterdir())
        if not file.is_symlink()
        for line in file.read_text(errors="replace").splitlines()
        if '"exception"' in line and "exception" in json.loads(line)
    ]
