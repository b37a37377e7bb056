from cryptobot.control.protocol import ErrorCode
from telemetry.testing import sample
from tests.journal.samples import an_order

from .test_running_engine import ORDER, Running, running, settings_of

__all__ = ["running", "settings_of"]


async def test_dead_letter_over_the_socket_is_listed_refused_and_discarded(
    running: Running,
) -> None:
    denied = await running.ask("order.place", **ORDER)
    letters = running.engine._rooms.dead_letters

    async def summary() -> tuple[int, str | None]:
        told = (await running.ask("engine.status"))["dead_letters"]
        return told["waiting"], told["changed_at"]

    assert await summary() == (0, None)
    letter = letters.add(
        operation="cancel_order",
        subject=an_order().order_id,
        payload=denied,
        evidence=[],
        attempts=3,
        first_ns=1,
        reason="network: reset",
    )
    assert sample(running.metrics, "cryptobot_dead_letters", sink="orders") == 1
    assert sample(running.metrics, "cryptobot_dead_letters_total", sink="orders") == 1
    waiting, changed_at = await summary()
    assert (waiting, changed_at is None) == (1, False)
    [listed] = await running.ask("deadletter.list")
    assert (listed["id"], listed["state"], listed["attempts"]) == (letter.id, "dead", 3)
    error = await running.refused("deadletter.retry", id=letter.id, actor="ann")
    assert (error["code"], "there is no order" in error["message"]) == (ErrorCode.REFUSED, True)
    error = await running.refused("deadletter.retry", id="0" * 32)
    assert error["code"] == ErrorCode.NOT_FOUND
    error = await running.refused("deadletter.discard", id=letter.id)
    assert error["code"] == ErrorCode.INVALID_PARAMS
    closed = await running.ask("deadletter.discard", id=letter.id, reason="known", actor="ann")
    assert (closed["state"], closed["reason"], closed["actor"]) == ("discarded", "known", "ann")
    assert await running.ask("deadletter.list") == []
    waiting, changed_again = await summary()
    assert (waiting, changed_again == changed_at) == (0, False)
    assert sample(running.metrics, "cryptobot_dead_letters", sink="orders") == 0
