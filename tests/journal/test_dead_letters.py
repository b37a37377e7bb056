from dataclasses import replace

import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import DeadLetter, DeadLetterState

from .samples import T0


def a_letter(number: int = 1, **changes: object) -> DeadLetter:
    letter = DeadLetter(
        id=f"{number:032x}",
        sink="orders",
        operation="cancel_order",
        subject="f" * 32,
        payload={"symbol": "BTC/USDT", "amount": "0.10"},
        evidence=[{"error": "timeout"}, None],
        attempts=3,
        first_ns=T0 + number,
        last_ns=T0 + 9,
        state=DeadLetterState.DEAD,
        reason="timeout: no answer",
        actor=None,
        updated_ns=T0 + 9,
    )
    return replace(letter, **changes)  # type: ignore[arg-type]


async def test_dead_letter_comes_back_as_it_was_given(journal: Journal) -> None:
    letter = a_letter()
    await journal.record_dead_letter(letter)
    assert await journal.dead_letter(letter.id) == letter
    assert await journal.dead_letter("0" * 32) is None


async def test_dead_letter_given_again_replaces_what_was_known(journal: Journal) -> None:
    letter = a_letter()
    await journal.record_dead_letter(letter)
    discarded = replace(letter, state=DeadLetterState.DISCARDED, reason="too late", actor="ann")
    await journal.record_dead_letter(discarded)
    await journal.record_dead_letter(discarded)
    assert await journal.dead_letters() == [discarded]


async def test_dead_letters_are_listed_newest_first_by_state(journal: Journal) -> None:
    letters = [a_letter(number) for number in (1, 2, 3)]
    retried = a_letter(4, state=DeadLetterState.RETRIED)
    for letter in (*letters, retried):
        await journal.record_dead_letter(letter)
    assert await journal.dead_letters() == [retried, *reversed(letters)]
    dead = await journal.dead_letters(state=DeadLetterState.DEAD, limit=2)
    assert dead == [letters[2], letters[1]]


@pytest.mark.parametrize("text", ["half \ud800", "nul \0", "ünïcode"])
async def test_dead_letter_with_any_text_is_kept(journal: Journal, text: str) -> None:
    letter = a_letter(evidence={"error": text}, reason=text)
    await journal.record_dead_letter(letter)
    stored = await journal.dead_letter(letter.id)
    assert stored is not None
    assert stored.attempts == letter.attempts
    assert str(stored.evidence)


async def test_dead_letter_survives_a_restart(url: str, clock: ManualClock) -> None:
    letter = a_letter()
    async with Journal.open(url, clock=clock) as journal:
        await journal.record_dead_letter(letter)
    async with Journal.open(url, clock=clock) as journal:
        assert await journal.dead_letters() == [letter]
