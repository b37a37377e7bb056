"""From the order that trips a trigger to the fence, under load, again and again.

Each round: live orders flow, the exchange takes every order and answers it with a proxy's 502, the
engine falls back to paper by itself, the fault ends, a person goes live again. Half of the rounds
trip on orders that failed, half on the breaker of orders. Measured is the time from the moment the
exchange received the order that was one too many to the fence file, by the machine's clock: the
exchange's answer is a part of it.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.proofs.fault_matrix import UNTOLD, clear_faults, set_faults
from tests.e2e.proofs.figures import counted_from, spread
from tests.e2e.proofs.switch_under_load import live_by_socket

FAILURES: Final = 5
"""Failed orders that are allowed, or that open the breaker less one."""

_COARSE: Final = 5
"""Linux's ``CLOCK_REALTIME_COARSE``, for which Python has no name."""

TICK_NS: Final = int(time.clock_getres(_COARSE) * 1e9)
"""Files are stamped with the kernel's last tick; the true moment lies up to one tick later."""

_BAD_GATEWAY: Final = {
    "kind": "html",
    "match": {"operation": "place_order"},
    "status": 502,
    "when": "after",
}


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger, and what makes it the only one.

    Attributes:
        name: Of the trigger.
        settings: Of the engine.
        orders: How many failed ones it takes.
    """

    name: str
    settings: Sequence[str]
    orders: int


TRIGGERS: Final = (
    Trigger(
        "failed_orders",
        (
            f"failover.failed_orders={FAILURES}",
            "failover.failed_window_s=10",
            "breaker.failures=1000",
        ),
        FAILURES + 1,
    ),
    Trigger("breaker_open", (f"breaker.failures={FAILURES}", "breaker.open_s=1"), FAILURES),
)


@dataclass(slots=True)
class FailoverProof:
    """What the rounds showed.

    Attributes:
        fenced_ms: From the order that tripped it to the fence file, by trigger.
        late: Orders that the exchange received while somebody had been told that it is paper.
        after_fence: Orders whose bytes had left, and that were received after the fence was there.
        wrong: What else was not as it must be.
    """

    fenced_ms: dict[str, list[float]] = field(default_factory=dict)
    orders: int = 0
    late: int = 0
    after_fence: int = 0
    wrong: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, object]:
        """Return what is worth printing."""
        together = [span for spans in self.fenced_ms.values() for span in spans]
        return {
            "failovers": len(together),
            "trigger_to_fence_ms": spread(together),
            "by_trigger": {name: spread(spans) for name, spans in self.fenced_ms.items()},
            "orders_received_by_the_exchange": self.orders,
            "received_after_the_fence_already_on_their_way": self.after_fence,
            "received_after_paper_was_told": self.late,
            "wrong": self.wrong,
            "outcomes": dict(self.outcomes),
            "violations": self.late + len(self.wrong) + sum(span >= 1000 for span in together),
        }


@dataclass(frozen=True, slots=True)
class _Round:
    """Moments of one round, monotonic."""

    faults_ns: int
    fence_ns: int
    paper_ns: int
    live_ns: int


def prove_failover(
    home: Path, *, rounds: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> FailoverProof:
    """Fall back ``rounds`` times under 40 orders a second, half of them by each trigger."""
    proof = FailoverProof()
    for number, trigger in enumerate(TRIGGERS):
        share = (rounds + number) // len(TRIGGERS)
        done = sum(map(len, proof.fenced_ms.values()))
        _prove(
            proof,
            trigger,
            home / trigger.name,
            share,
            seed=seed,
            progress=counted_from(progress, done),
        )
    return proof


def _prove(
    proof: FailoverProof,
    trigger: Trigger,
    home: Path,
    rounds: int,
    *,
    seed: int,
    progress: Callable[[int], None],
) -> None:
    done = []
    with (
        SimulatorProcess(home / "sim", seed=seed) as simulator,
        EngineProcess(simulator, home, settings=(*LOAD_SETTINGS, *trigger.settings)) as engine,
    ):
        engine.until_trading()
        with OrderLoad(engine.socket_path, seed=seed, rate=40.0, connections=8) as load:
            for number in range(rounds):
                load.until_sent(3, "live")
                done.append(_fall_back(proof, trigger, engine, simulator))
                progress(number + 1)
            load.until_sent(1, "live")
        agreed = until_agreed(engine, simulator, load.tally.orders)
        proof.orders += agreed.orders
        proof.outcomes += load.tally.outcomes
        counted = engine.metrics()["cryptobot_failover_seconds_count", ()]
        received = [int(order["received_monotonic_ns"]) for order in simulator.orders()]
    told = _told(home / "logs")
    if told != [trigger.name] * rounds or float(counted) != rounds:
        proof.wrong.append(f"{rounds} failovers, told: {Counter(told)}, counted: {counted}")
    spans = proof.fenced_ms.setdefault(trigger.name, [])
    for moments in done:
        failed = sorted(at for at in received if at > moments.faults_ns)
        spans.append((moments.fence_ns - failed[trigger.orders - 1]) / 1e6)
        proof.after_fence += sum(moments.fence_ns < at < moments.paper_ns for at in received)
        proof.late += sum(moments.paper_ns < at < moments.live_ns for at in received)


def _fall_back(
    proof: FailoverProof, trigger: Trigger, engine: EngineProcess, simulator: SimulatorProcess
) -> _Round:
    faults_ns = time.monotonic_ns()
    set_faults(simulator, [UNTOLD | {"for_s": None}, _BAD_GATEWAY])
    status = engine.until("paper", lambda now: now["mode"] == "paper")
    paper_ns = time.monotonic_ns()
    if not status["mode_reason"].startswith(f"failover, {trigger.name}: "):
        proof.wrong.append(f"paper because of {status['mode_reason']!r}")
    behind_ns = time.time_ns() - time.monotonic_ns()
    fence_ns = engine.fence.stat().st_mtime_ns + TICK_NS - behind_ns
    clear_faults(simulator)
    live_ns = live_by_socket(engine)
    return _Round(faults_ns, fence_ns, paper_ns, live_ns)


def _told(logs: Path) -> list[str]:
    """Return the trigger of every failover that was told in the logs."""
    records = [
        json.loads(line)
        for file in sorted(logs.iterdir())
        if file.name.startswith("order_processor") and not file.is_symlink()
        for line in file.read_text().splitlines()
        if '"failover"' in line
    ]
    return [record["trigger"] for record in records if record["event"] == "failover"]
