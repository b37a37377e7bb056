"""A simulated exchange and an engine on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess


@pytest.fixture
def simulator(user_home: Path) -> Iterator[SimulatorProcess]:
    """A simulated exchange that knows no orders yet."""
    with SimulatorProcess(user_home / "sim") as started:
        yield started


@pytest.fixture
def engine(simulator: SimulatorProcess, user_home: Path) -> Iterator[EngineProcess]:
    """An engine that trades live on ``simulator``."""
    with EngineProcess(simulator, user_home) as started:
        started.until_trading()
        yield started
