import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.exposition import Sample
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for
from tests.e2e.proofs.fault_matrix import MARKET_BUY, UNTOLD, set_faults

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

TAKEN_UNANSWERED = {"kind": "reset", "match": {"operation": "place_order"}, "when": "after"}


def _counts(metrics: Mapping[Sample, str], name: str, label: str) -> dict[str, int]:
    return {
        dict(labels)[label]: int(float(value))
        for (sample, labels), value in metrics.items()
        if sample == f"{name}_count" and float(value)
    }


def test_metrics_tell_how_long_orders_spend_in_each_stage_and_on_the_database(
    simulator: SimulatorProcess, engine: EngineProcess, user_home: Path
) -> None:
    assert engine.call("order.place", **MARKET_BUY)["state"] == "filled"
    set_faults(simulator, [{**TAKEN_UNANSWERED, "count": 1}, UNTOLD])
    assert engine.call("order.place", **MARKET_BUY)["state"] == "unresolved"
    stages = wait_for(
        "the outcome of the second order",
        lambda: _with(
            "resolve", _counts(engine.metrics(), "cryptobot_order_stage_seconds", "stage")
        ),
    )
    assert stages == {"checks": 2, "journal": 2, "fence": 2, "exchange": 2, "resolve": 1}
    log = user_home / "logs" / "order_processor.log"
    [told] = wait_for("the change in the log", lambda: _changes(log))
    assert (told["before"], told["state"]) == ("unresolved", "filled")
    database = _counts(engine.metrics(), "cryptobot_db_query_seconds", "operation")
    assert database["migrate"] == 1
    assert database["commit"] >= 4
    assert database["read"] >= 1


def _with(stage: str, counts: dict[str, int]) -> dict[str, int] | None:
    return counts if stage in counts else None


def _changes(log: Path) -> list[dict[str, str]]:
    records = map(json.loads, log.read_text().splitlines())
    return [record for record in records if record.get("before") == "unresolved"]
