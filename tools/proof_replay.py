"""Trade the recorded market for its whole length and prove that every book-keeping agrees.

``python tools/proof_replay.py``: 651 s at ``--speed 1``, which is what counts as the proof; the
test suite does the same faster. Exit 0: everything agrees to the last digit; 1: it does not.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from bench.result import say  # noqa: E402 - after the path is set
from tests.replay.session import RECORDING, replay  # noqa: E402 - after the path is set


def main() -> int:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--speed", type=float, default=1.0, help="1 is as recorded (default)")
    parser.add_argument(
        "--recording", type=Path, default=ROOT.parent / "shared" / RECORDING, metavar="FILE"
    )
    args = parser.parse_args()
    if not args.recording.is_file():
        sys.stderr.write(f"proof_replay: no recording at {args.recording}; give --recording FILE\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        report = replay(
            args.recording,
            Path(folder),
            speed=args.speed,
            say=say,
        )
    print(f"replayed in {report.wall_s:.0f} s, {report.market_trades} public trades")
    print(f"orders on the exchange: {dict(report.orders)}, trades of ours: {report.trades}")
    print(f"orders by strategy: {dict(report.by_strategy)}")
    print(f"denied or refused: {dict(report.unsent)}")
    for line in report.disagreements:
        print(f"disagreement: {line}")
    print("everything agrees" if not report.disagreements else "it does not agree")
    return 1 if report.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
