"""The long versions of the end-to-end proofs: ``python -m tools.proof NAME --rounds N``.

Prints the figures and writes them to ``build/proof-NAME.json``; exit code 1 if the proof failed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.e2e.proofs.endurance import prove_endurance  # noqa: E402 - as above
from tests.e2e.proofs.failing_over import prove_failover  # noqa: E402 - as above
from tests.e2e.proofs.fault_matrix import prove_fault_matrix  # noqa: E402 - found by the line above
from tests.e2e.proofs.killing import (  # noqa: E402 - as above
    prove_killing,
    prove_killing_under_faults,
)
from tests.e2e.proofs.switch_under_load import (  # noqa: E402 - as above
    prove_socket_switching,
    prove_switching,
    prove_websocket_switching,
)


class Proved(Protocol):
    """What a proof returns."""

    def figures(self) -> dict[str, object]:
        """Return what is worth printing."""
        ...


class Prove(Protocol):
    """A proof."""

    def __call__(
        self, home: Path, *, rounds: int, seed: int, progress: Callable[[int], None]
    ) -> Proved:
        """Run it; raise ``AssertionError`` when it fails."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof by name."""

    run: Prove
    rounds: int
    claim: str


PROOFS: Mapping[str, Proof] = {
    "mode_switch": Proof(
        prove_switching, 1000, "no live order leaves after a switch to paper is acknowledged"
    ),
    "mode_switch_socket": Proof(
        prove_socket_switching, 250, "the same, the acknowledgement stamped as it is read"
    ),
    "mode_switch_websocket": Proof(
        prove_websocket_switching, 250, "the same, with orders by websocket"
    ),
    "fault_matrix": Proof(
        prove_fault_matrix, 1, "an order under any fault of the wire ends as the evidence says"
    ),
    "failover": Proof(
        prove_failover, 200, "from a tripped trigger to the fence it takes less than a second"
    ),
    "endurance": Proof(
        prove_endurance, 300, "one engine outlives any weather, stays right, and does not grow"
    ),
    "kill9": Proof(
        prove_killing, 100, "after kill -9 every order is accounted for, and none is doubled"
    ),
    "kill9_faults": Proof(
        prove_killing_under_faults, 300, "the same while the wire fails, restarts included"
    ),
}


def main(argv: list[str] | None = None) -> int:
    """Run one proof; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.proof", description=__doc__)
    parser.add_argument("name", choices=sorted(PROOFS), help="which proof")
    parser.add_argument("--rounds", type=int, help="how often (default: the proof's full count)")
    parser.add_argument("--seed", type=int, default=20_240_808, help="repeats a run's choices")
    options = parser.parse_args(argv)
    proof = PROOFS[options.name]
    rounds = options.rounds or proof.rounds
    home = Path(tempfile.mkdtemp(prefix="cb-proof-"))
    began = time.monotonic()

    def progress(number: int) -> None:
        if number % max(1, rounds // 20) == 0:
            print(f"{number}/{rounds} rounds, {time.monotonic() - began:.0f} s", flush=True)

    try:
        proved = proof.run(home, rounds=rounds, seed=options.seed, progress=progress)
    except AssertionError as error:
        print(f"FAILED: {proof.claim}\n{error}\nleft for you to look at: {home}", file=sys.stderr)
        return 1
    figures = {
        "proof": options.name,
        "claim": proof.claim,
        "seed": options.seed,
        "seconds": round(time.monotonic() - began, 1),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        **proved.figures(),
    }
    text = json.dumps(figures, indent=2)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / f"proof-{options.name}.json").write_text(text + "\n")
    print(text)
    if figures["violations"]:
        print(f"FAILED: {proof.claim}; left for you to look at: {home}", file=sys.stderr)
        return 1
    shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
