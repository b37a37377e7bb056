"""Where a run's files are, in memory where the machine has such a disk."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cryptobot.control.protocol import FENCE_NAME
from cryptobot.journal.committer import Committer
from cryptobot.journal.database import Database
from cryptobot.journal.migration import migrate
from cryptobot.settings import Settings, load_settings

from .model_exchange import BTC, ETH
from .weather import NOT_FOUND_PATIENCE_S, TIMEOUT_S

IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
RECONCILED_EVERY_S: Final = 8
BREAKER_OPEN_S: Final = 5
FAILED_WINDOW_S: Final = 10
MOST_ORDERS_PER_10S: Final = 200

STRATEGIES: Final[dict[str, dict[str, Any]]] = {
    "moving_average_cross": {
        "name": "moving_average_cross",
        "params": {"symbol": BTC, "amount": "0.1", "fast": 1, "slow": 2, "sample_s": 1},
    },
    "grid": {
        "name": "grid",
        "params": {"symbol": ETH, "amount": "0.2", "levels": 2, "step": "0.004"},
    },
}


class Place:
    """A folder that one run after the other uses.

    Making an engine's database connections and its settings takes longer than a run: they stay,
    the files are made anew.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database_file = folder / "cryptobot.db"
        self._template = folder / "template.db"
        made = Database.open(f"sqlite:///{self._template}", 0)
        migrate(made)
        made.dispose()
        opened = Database.open(f"sqlite:///{self.database_file}", 0)
        # Statements are compiled once for all connections that ever are.
        compiled: dict[Any, Any] = {}
        self.database = replace(
            opened,
            writer=opened.writer.execution_options(compiled_cache=compiled),
            reader=opened.reader.execution_options(compiled_cache=compiled),
        )
        self.committer = Committer(self.database)
        self._settings: dict[tuple[str, ...], Settings] = {}

    def renew(self) -> None:
        """Make the folder what it is before a first start."""
        for suffix in ("-wal", "-shm"):
            Path(f"{self.database_file}{suffix}").unlink(missing_ok=True)
        (self.folder / FENCE_NAME).unlink(missing_ok=True)
        shutil.copyfile(self._template, self.database_file)

    def release(self) -> None:
        """Let go of the files."""
        self.database.dispose()

    def settings(self, strategies: Sequence[str]) -> Settings:
        """Return the settings of an engine that runs these strategies."""
        key = tuple(strategies)
        if key not in self._settings:
            self._settings[key] = load_settings(
                cli={
                    "state_dir": str(self.folder),
                    "log_dir": str(self.folder),
                    "symbols": [BTC, ETH],
                    "timeframe": "1s",
                    "exchange.timeout_s": TIMEOUT_S,
                    "reconciliation.not_found_patience_s": NOT_FOUND_PATIENCE_S,
                    "reconciliation.interval_s": RECONCILED_EVERY_S,
                    "breaker.open_s": BREAKER_OPEN_S,
                    "failover.failed_window_s": FAILED_WINDOW_S,
                    "risk.max_orders_per_10s": MOST_ORDERS_PER_10S,
                    "strategies.start": [STRATEGIES[name] for name in strategies],
                },
                environ={},
            )
        return self._settings[key]


@contextmanager
def a_place() -> Iterator[Place]:
    """Make a place for runs, and take it away again."""
    parent = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=parent) as folder:
        place = Place(Path(folder))
        try:
            yield place
        finally:
            place.release()
