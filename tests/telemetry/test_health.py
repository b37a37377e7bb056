import pytest

from telemetry.health import Health, Status
from tests.telemetry.conftest import MovedClock


def test_health_with_nothing_reported_is_alive() -> None:
    assert Health().alive_answer() == (200, {"status": "ok", "critical": {}})


@pytest.mark.parametrize(
    ("statuses", "worst", "code"),
    [
        ((Status.OK, Status.OK), Status.OK, 200),
        ((Status.OK, Status.DEGRADED), Status.DEGRADED, 200),
        ((Status.CRITICAL, Status.DEGRADED), Status.CRITICAL, 503),
    ],
)
def test_health_with_several_components_is_as_bad_as_the_worst(
    statuses: tuple[Status, ...], worst: Status, code: int
) -> None:
    health = Health()
    for index, status in enumerate(statuses):
        health.set(f"part{index}", status, "why")
    assert health.status is worst
    assert health.alive_answer()[0] == health.detailed_answer()[0] == code


def test_component_with_the_same_status_again_keeps_its_since(clock: MovedClock) -> None:
    health = Health(clock=clock)
    health.set("journal", Status.OK)
    began = clock.now_ns()
    clock.advance(60)
    health.set("journal", Status.OK, "still", latency_ms=1.5)
    assert health.components["journal"].since_ns == began
    health.set("journal", Status.CRITICAL, "disk full")
    assert health.components["journal"].since_ns == began + 60_000_000_000


def test_component_with_an_unknown_status_is_refused() -> None:
    with pytest.raises(ValueError, match="fine"):
        Health().set("journal", "fine")


def test_readiness_with_conditions_comes_when_all_are_met() -> None:
    health = Health({"journal": "not open yet", "exchange": "not connected yet"})
    assert health.ready_answer()[0] == 503
    health.met("journal")
    assert health.ready_answer() == (
        503,
        {"ready": False, "unmet": {"exchange": "not connected yet"}},
    )
    health.met("exchange")
    assert health.ready_answer() == (200, {"ready": True, "unmet": {}})
    health.unmet("exchange", "restarting")
    assert not health.ready


def test_detail_with_a_component_tells_status_since_latency_and_detail(clock: MovedClock) -> None:
    health = Health(clock=clock)
    health.set("exchange", Status.DEGRADED, "slow", latency_ms=812.5)
    clock.advance(3)
    _, body = health.detailed_answer()
    assert body["uptime_s"] == 3.0
    assert body["components"] == {
        "exchange": {
            "status": "degraded",
            "since": "2026-11-21T00:00:00.000000Z",
            "latency_ms": 812.5,
            "detail": "slow",
        }
    }
