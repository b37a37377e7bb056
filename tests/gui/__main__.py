"""Serves a scripted engine by hand, to look at the window: ``python -m tests.gui``."""

import argparse
from contextlib import suppress
from pathlib import Path

from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.scripted_past import populate


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--mode", default="live")
    parser.add_argument("--simulated", action="store_true")
    options = parser.parse_args()
    engine = ScriptedEngine(options.state_dir, mode=options.mode, simulated=options.simulated)
    populate(engine)
    with engine, suppress(KeyboardInterrupt):
        engine.join(10**6)


if __name__ == "__main__":
    main()
