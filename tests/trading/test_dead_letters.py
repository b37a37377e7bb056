"""What was given up on is kept, told, and done again only where that cannot double an order."""

import asyncio
from random import Random
from typing import Any

import pytest

from cryptobot.domain.errors import NotSent, OrderRefused, OutcomeUnknown
from cryptobot.domain.ids import IdSource
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import TERMINAL, Order, OrderState
from cryptobot.journal.records import DeadLetter, DeadLetterState, RunEnd
from cryptobot.trading.dead_letters import DeadLetterRefused, DeadLetters, UnknownDeadLetter
from cryptobot.trading.order_retries import OrderRetries, provably_not_executed
from telemetry.testing import capture_logs

from .order_path import OrderPath
from .scripted_venue import a_report, accept
from .test_order_tracker import an_order

S = OrderState
D = DeadLetterState
EVIDENCE = [{"attempt": 1, "error": "network: reset"}]


class Counts:
    def __init__(self) -> None:
        self.total = 0
        self.dead: dict[str, int] = {}

    def added(self, sink: str) -> None:
        assert sink == "orders"
        self.total += 1

    def waiting(self, sink: str, count: int) -> None:
        self.dead[sink] = count


class Office:
    """The dead letters of an order path."""

    def __init__(self, path: OrderPath) -> None:
        self.path = path
        self.counts = Counts()
        self.letters = self.opened()

    def opened(self) -> DeadLetters:
        path = self.path
        return DeadLetters(
            path.journal,
            path.clock,
            IdSource(Random(9)),
            counts=self.counts,
            retries=OrderRetries(path.gateway, path.tracker, path.journal).table(),
        )

    def add(self, order: Order, operation: str = "place_order", **changes: Any) -> DeadLetter:
        given: dict[str, Any] = {
            "operation": operation,
            "subject": order.order_id,
            "payload": order.to_wire(),
            "evidence": EVIDENCE,
            "attempts": 4,
            "first_ns": order.created_ns,
            "reason": "network: reset",
        }
        return self.letters.add(**{**given, **changes})

    async def stored(self, letter: DeadLetter) -> DeadLetter | None:
        await self.path.journal.record_run_ended(RunEnd(0, 0, 0))  # behind all that was given
        return await self.path.journal.dead_letter(letter.id)

    async def refused(self) -> Order:
        """Return an order that provably was not executed."""
        self.path.live.answer = lambda _: OrderRefused("no", "market_closed")
        order = await self.path.place()
        self.path.live.answer = accept
        return order


@pytest.fixture
def office(path: OrderPath) -> Office:
    return Office(path)


async def test_add_keeps_counts_and_tells_with_all_it_knows(office: Office) -> None:
    order = await office.refused()
    with capture_logs() as logs:
        letter = office.add(order)
        (told,) = logs.of("DEAD_LETTER")
    assert await office.stored(letter) == letter
    assert (office.counts.total, office.counts.dead) == (1, {"orders": 1})
    assert told["level"] == "critical"
    for part in (order.order_id, letter.id, "network: reset", 4, "place_order"):
        assert part in told.values()


async def test_add_again_for_the_same_operation_is_the_same_letter(office: Office) -> None:
    order = await office.refused()
    first = office.add(order)
    again = office.add(order, attempts=3, first_ns=order.created_ns + 5)
    assert (again.id, again.attempts, again.first_ns) == (first.id, 7, first.first_ns)
    assert office.counts.total == 1
    assert await office.letters.letters(D.DEAD, 10) == [again]
    assert office.add(order, "cancel_order").id != first.id


async def test_add_while_the_journal_takes_nothing_is_kept_and_written_later(
    office: Office,
) -> None:
    order = await office.refused()
    await office.path.orders.drain()
    with office.path.journal_locked():
        letter = office.add(order)
        assert await office.letters.letters(D.DEAD, 10) == [letter]
    await office.path.journal.wait_available()
    assert await office.stored(letter) == letter


async def test_letter_is_listed_also_when_it_is_committed_after_the_read_has_looked(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await office.refused()
    read = office.path.journal.dead_letters

    async def slow(**asked: Any) -> list[DeadLetter]:
        found = await read(**asked)  # looks before the commit, answers after it
        await office.stored(letter)
        return found

    monkeypatch.setattr(office.path.journal, "dead_letters", slow)
    with office.path.journal_locked():
        letter = office.add(order)
        listing = asyncio.ensure_future(office.letters.letters(D.DEAD, 10))
        assert await read(state=D.DEAD, limit=10) == []
    await office.path.journal.wait_available()
    assert await listing == [letter]


async def test_load_after_a_restart_shows_and_counts_what_waits(office: Office) -> None:
    letter = office.add(await office.refused())
    await office.stored(letter)
    office.counts.dead.clear()
    restarted = office.opened()
    await restarted.load()
    assert office.counts.dead == {"orders": 1}
    await restarted.discard(letter.id, "old", "ann")
    assert office.counts.dead == {"orders": 0}


async def test_discard_closes_it_with_who_and_why(office: Office) -> None:
    letter = office.add(await office.refused())
    closed = await office.letters.discard(letter.id, "the price is gone", "ann")
    assert (closed.state, closed.reason, closed.actor) == (D.DISCARDED, "the price is gone", "ann")
    assert await office.stored(letter) == closed
    assert await office.letters.letters(D.DEAD, 10) == []
    assert await office.letters.letters(None, 10) == [closed]
    with pytest.raises(DeadLetterRefused, match="is discarded: the price is gone"):
        await office.letters.retry(letter.id, "ann")
    with pytest.raises(UnknownDeadLetter):
        await office.letters.discard("0" * 32, "r", "a")


async def test_retry_of_an_order_that_was_not_executed_places_a_new_one(office: Office) -> None:
    old = await office.refused()
    letter = office.add(old)
    closed = await office.letters.retry(letter.id, "ann")
    assert (closed.state, closed.actor) == (D.RETRIED, "ann")
    [new] = office.path.tracker.open_orders()
    assert closed.reason == f"placed anew as order {new.order_id}: accepted"
    assert new.order_id != old.order_id
    assert (new.symbol, new.side, new.amount, new.price) == (
        old.symbol,
        old.side,
        old.amount,
        old.price,
    )


@pytest.mark.parametrize(
    ("state", "filled"),
    [(S.UNRESOLVED, "0"), (S.ACCEPTED, "0"), (S.FILLED, "1"), (S.CANCELED, "0.5")],
)
async def test_retry_of_an_order_that_may_be_executed_is_refused_and_sends_nothing(
    office: Office, state: OrderState, filled: str
) -> None:
    office.path.live.answer = lambda _: OutcomeUnknown("no answer", "timeout")
    order = await office.path.place()
    if state is not S.UNRESOLVED:
        report = a_report(order.client_order_id, state, filled=filled)
        office.path.tracker.apply(Mode.LIVE, report, "stream")
    letter = office.add(order)
    with pytest.raises(DeadLetterRefused, match="could double it"):
        await office.letters.retry(letter.id, "ann")
    assert len(office.path.live.on_the_wire) == 1
    stored = await office.stored(letter)
    assert stored is not None
    assert (stored.state, stored.attempts) == (D.DEAD, 5)


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("filled", ["0", "0.5"])
def test_provably_not_executed_for_every_state(state: OrderState, filled: str) -> None:
    closed = state in TERMINAL - {S.FILLED}
    order = an_order(state=state).changed(filled=type(an_order().amount)(filled))
    assert provably_not_executed(order) is (closed and filled == "0")


async def test_retry_that_is_denied_stays_dead_and_may_be_tried_again(office: Office) -> None:
    letter = office.add(await office.refused())
    office.path.halted()
    with pytest.raises(DeadLetterRefused, match="was denied: halted"):
        await office.letters.retry(letter.id, "ann")
    assert office.counts.dead == {"orders": 1}
    office.path.modes.trading_state = office.path.modes.trading_state.ACTIVE
    assert (await office.letters.retry(letter.id, "ann")).state is D.RETRIED


async def test_retry_goes_to_the_mode_of_the_old_order_only(office: Office) -> None:
    letter = office.add(await office.refused())
    await office.path.modes.to_paper(
        reason="r", actor="a", trigger=office.path.modes.status.trigger
    )
    with pytest.raises(DeadLetterRefused, match="meant for live"):
        await office.letters.retry(letter.id, "ann")
    assert office.path.paper.on_the_wire == []


async def test_retry_twice_at_once_makes_one_order(office: Office) -> None:
    letter = office.add(await office.refused())
    office.path.live.on_the_wire.clear()
    first, second = await asyncio.gather(
        office.letters.retry(letter.id, "ann"),
        office.letters.retry(letter.id, "bob"),
        return_exceptions=True,
    )
    assert isinstance(first, DeadLetter)
    assert isinstance(second, DeadLetterRefused)
    assert len(office.path.live.on_the_wire) == 1


async def test_retry_again_after_a_crash_before_it_was_noted_makes_no_second_order(
    office: Office,
) -> None:
    letter = office.add(await office.refused())
    office.path.live.on_the_wire.clear()
    await office.stored(letter)
    unaware = office.opened()
    await unaware.load()
    await office.letters.retry(letter.id, "ann")
    await unaware.retry(letter.id, "ann")
    assert len(office.path.live.on_the_wire) == 1


async def test_retry_of_a_cancel_cancels_again(office: Office) -> None:
    order = await office.path.place()
    letter = office.add(order, "cancel_order")
    office.path.live.cancel_answer = lambda _: NotSent("no route", "network")
    with pytest.raises(NotSent):
        await office.letters.retry(letter.id, "ann")
    office.path.live.cancel_answer = lambda client_id: a_report(client_id, S.CANCELED)
    closed = await office.letters.retry(letter.id, "ann")
    assert (closed.state, closed.reason) == (D.RETRIED, f"order {order.order_id} is canceled")
    assert office.path.live.cancels == [order.client_order_id] * 2


async def test_retry_of_a_cancel_of_a_closed_order_has_nothing_to_do(office: Office) -> None:
    letter = office.add(await office.refused(), "cancel_order")
    assert (await office.letters.retry(letter.id, "ann")).state is D.RETRIED
    assert office.path.live.cancels == []


async def test_retry_of_something_nobody_here_can_do_is_refused(office: Office) -> None:
    letter = office.add(await office.refused(), "amend_order")
    with pytest.raises(DeadLetterRefused, match="nothing here can retry amend_order"):
        await office.letters.retry(letter.id, "ann")
