"""After a switch to paper is acknowledged, no live order leaves, however often and under load.

Each round: live orders flow, ``ops/mode_switch.py --mode=paper`` runs as a process of its own,
paper orders flow, ``--mode=live`` runs. At the end every order that the exchange received is laid
on the time line: none may lie between the exit of a switch to paper and the start of the next
switch to live. Times are the machine's monotonic clock, which both sides read.

A process takes some 30 ms to end after it has read the acknowledgement, in which an order that
slipped through would go unnoticed. So there is a second form: the same request over a socket of
our own, the acknowledgement stamped as it is read, under three times the load.

The way back to live is the script in every tenth round and the control request that it sends in
the others: what is proven is the way to paper.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from cryptobot.control.protocol import ErrorCode, RpcError
from tests.e2e.harness.engine_process import ACCOUNT, LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.switching import SwitchRun, bare_python_ms, mode_switch
from tests.e2e.harness.waiting import wait_for
from tests.e2e.proofs.figures import spread

NO_ANSWER: Final = 4
"""The script's exit code when the engine did not answer in time."""

SCRIPT_EVERY: Final = 10
"""In every such round the way back to live is the script, and bare Python is timed."""


@dataclass(slots=True)
class SwitchProof:
    """What the rounds showed.

    Attributes:
        violations: Orders received while paper was in force, with their round.
        unanswered: Switches that ended with "the engine did not answer in time"; for them too no
            order may come after the exit.
        in_flight: Orders on their way at a switch, by what became of them.
        ways: Orders received, by the API that they came by.
    """

    rounds: int = 0
    orders_received: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    unanswered: int = 0
    to_paper_ms: list[float] = field(default_factory=list)
    to_live_ms: list[float] = field(default_factory=list)
    bare_python_ms: list[float] = field(default_factory=list)
    in_flight: Counter[str] = field(default_factory=Counter)
    rounds_with_in_flight: int = 0
    live_refusals: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, object]:
        """Return what is worth printing."""
        return {
            "rounds": self.rounds,
            "orders_received_by_the_exchange": self.orders_received,
            "by_api": dict(self.ways),
            "violations": len(self.violations),
            "first_violations": self.violations[:5],
            "unanswered": self.unanswered,
            "to_paper_ms": spread(self.to_paper_ms),
            "to_live_ms": spread(self.to_live_ms),
            "bare_python3_ms": spread(self.bare_python_ms),
            "rounds_with_orders_in_flight": self.rounds_with_in_flight,
            "in_flight": dict(self.in_flight),
            "live_refusals": dict(self.live_refusals),
            "outcomes": dict(self.outcomes),
            "reasons": dict(self.reasons),
            "errors": dict(self.errors),
        }


ToPaper = Callable[[EngineProcess], SwitchRun]


def paper_by_script(engine: EngineProcess) -> SwitchRun:
    """Run ``ops/mode_switch.py --mode=paper``; acknowledged when it has exited."""
    return mode_switch(engine.state_dir, "paper")


def paper_by_socket(engine: EngineProcess) -> SwitchRun:
    """Send what the script sends; acknowledged when the answer is read."""
    with engine.client() as client:
        began_ns = time.monotonic_ns()
        answer = client.call("mode.set", mode="paper", reason="proof", actor="proof")
        ended_ns = time.monotonic_ns()
    if not isinstance(answer, dict):
        raise TypeError(f"mode.set answered {answer!r}")
    return SwitchRun(0, began_ns, ended_ns, answer, "")


def prove_socket_switching(
    home: Path, *, rounds: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> SwitchProof:
    """As ``prove_switching``, by the socket, under 60 orders a second."""
    return prove_switching(
        home, rounds=rounds, seed=seed, progress=progress, rate=60.0, to_paper=paper_by_socket
    )


def prove_websocket_switching(
    home: Path, *, rounds: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> SwitchProof:
    """As ``prove_socket_switching``, with orders by websocket."""
    return prove_switching(
        home,
        rounds=rounds,
        seed=seed,
        progress=progress,
        rate=60.0,
        to_paper=paper_by_socket,
        settings=(*LOAD_SETTINGS, "exchange.order_entry=websocket"),
    )


def prove_switching(
    home: Path,
    *,
    rounds: int,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
    rate: float = 20.0,
    to_paper: ToPaper = paper_by_script,
    settings: Sequence[str] = LOAD_SETTINGS,
) -> SwitchProof:
    """Switch ``rounds`` times under load.

    Args:
        home: An empty folder with a short path.
        rounds: How often.
        seed: Of the orders and of the moments.
        progress: Told each round's number.
        rate: Orders a second.
        to_paper: How the switch to paper is made.
        settings: Of the engine, as ``KEY=VALUE``.
    """
    rng = random.Random(seed)
    proof = SwitchProof()
    paper: list[tuple[int, int]] = []
    with (
        SimulatorProcess(home / "sim", seed=seed) as simulator,
        EngineProcess(simulator, home, settings=settings) as engine,
    ):
        engine.until_trading()
        connections = max(4, int(rate / 5))
        with OrderLoad(engine.socket_path, seed=seed, rate=rate, connections=connections) as load:
            for number in range(rounds):
                load.until_sent(rng.randint(1, 6), "live")
                switched = to_paper(engine)
                _note(proof, switched)
                load.until_sent(rng.randint(1, 4), "paper")
                by_script = number % SCRIPT_EVERY == 0
                live_again_ns = (
                    _by_script(proof, engine)
                    if by_script
                    else live_by_socket(engine, partial(_note_refusal, proof))
                )
                paper.append((switched.ended_ns, live_again_ns))
                if by_script:
                    proof.bare_python_ms.append(bare_python_ms())
                proof.rounds = number + 1
                progress(number + 1)
            load.until_sent(1, "live")
        proof.outcomes, proof.errors = load.tally.outcomes, load.tally.errors
        proof.reasons = load.tally.reasons
        received = simulator.orders()
    proof.orders_received = len(received)
    proof.ways = Counter(str(entry["via"]) for entry in received)
    times = [int(entry["received_monotonic_ns"]) for entry in received]
    for number, (acknowledged, live_again) in enumerate(paper, start=1):
        proof.violations.extend(
            f"round {number}: an order {(at - acknowledged) / 1e6:.1f} ms after it was acknowledged"
            for at in times
            if acknowledged < at < live_again
        )
    return proof


def _note(proof: SwitchProof, run: SwitchRun) -> None:
    if run.exit_code == NO_ANSWER:  # on a starved machine; the fence file holds all the same
        proof.unanswered += 1
        return
    if run.exit_code != 0:
        raise AssertionError(f"the switch to paper ended with {run.exit_code}: {run.answer}")
    proof.to_paper_ms.append(run.wall_ms)
    on_the_way = run.answer["in_flight"]
    proof.rounds_with_in_flight += bool(on_the_way)
    proof.in_flight.update(item["outcome"] for item in on_the_way)


def _by_script(proof: SwitchProof, engine: EngineProcess) -> int:
    """Switch to live; return when the switch that succeeded began, monotonic."""

    def attempt() -> SwitchRun | None:
        run = mode_switch(engine.state_dir, "live", "--confirm", ACCOUNT, "--timeout", "20")
        if run.exit_code == 0:
            return run
        if "failed" not in run.answer:
            raise AssertionError(f"the switch to live ended with {run.exit_code}: {run.answer}")
        _note_refusal(proof, run.answer["failed"])
        return None

    run = wait_for("live again", attempt, deadline_s=60)
    proof.to_live_ms.append(run.wall_ms)
    return run.began_ns


def live_by_socket(
    engine: EngineProcess, refused: Callable[[Any], None] = lambda _failed: None
) -> int:
    """Switch to live by the request that the script sends, as soon as it is granted.

    Args:
        engine: On paper.
        refused: Told what stood in the way, each time.

    Returns:
        When the request that succeeded began, monotonic.
    """

    def attempt() -> int | None:
        began_ns = time.monotonic_ns()
        try:
            engine.call("mode.set", mode="live", reason="proof", actor="proof", confirm=ACCOUNT)
        except RpcError as error:
            if error.code != ErrorCode.LIVE_REFUSED:
                raise
            refused((error.data or {})["failed"])
            return None
        return began_ns

    return wait_for("live again", attempt, deadline_s=60)


def _note_refusal(proof: SwitchProof, failed: Any) -> None:
    """Count what stood in the way of live, such as an order still being looked up."""
    proof.live_refusals.update(item["precondition"] for item in failed)
