"""Every row of the fault matrix, against one engine and one exchange."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.proofs.fault_matrix import (
    CASES,
    SETTINGS,
    WEBSOCKET_CASES,
    WEBSOCKET_SETTINGS,
    Case,
    run_case,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


Both = tuple[EngineProcess, SimulatorProcess]


@contextmanager
def both_running(home: Path, settings: Sequence[str]) -> Iterator[Both]:
    with (
        SimulatorProcess(home / "simulator") as simulator,
        EngineProcess(simulator, home, settings=settings) as engine,
    ):
        engine.until_trading()
        yield engine, simulator


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both_running(tmp_path_factory.mktemp("matrix"), SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def by_websocket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both_running(tmp_path_factory.mktemp("ws-matrix"), WEBSOCKET_SETTINGS) as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_order_under_a_fault_ends_as_the_evidence_says_and_the_next_one_works(
    both: Both, case: Case
) -> None:
    row = run_case(*both, case)
    assert row.wrong == []


@pytest.mark.parametrize("case", WEBSOCKET_CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_order_by_websocket_under_a_fault_ends_as_the_evidence_says_and_the_next_one_works(
    by_websocket: Both, case: Case
) -> None:
    row = run_case(*by_websocket, case, "websocket")
    assert row.wrong == []
