"""When a broken stream is begun anew, in virtual time."""

import asyncio

import ccxt

from cryptobot.domain.errors import Silenced

from .test_exchange_client_replies import GOOD_BOOK, SYMBOL, Client
from .virtual_time import run_virtually

DOWN = ccxt.NetworkError("connection refused")
BOOK = None


def begun_at(
    *outcomes: BaseException | None,
    books: int = 1,
    back_at: float | None = None,
    slow: int | None = None,
) -> list[float]:
    """Return when a stream was begun that ends with each outcome in turn.

    Args:
        outcomes: Of each try, an error or ``BOOK``.
        books: How many are read.
        back_at: When the exchange answers again.
        slow: The number of the try whose outcome takes 5 s.
    """

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        at, begun = Client(), list[float]()

        async def watch(_: str) -> object:
            begun.append(loop.time())
            if len(begun) == slow:
                await asyncio.sleep(5)
            outcome = outcomes[len(begun) - 1]
            if outcome is not BOOK:
                raise outcome
            return GOOD_BOOK

        vars(at.ccxt)["watch_order_book"] = watch
        if back_at is not None:
            loop.call_later(back_at, at.client.hasten)
        stream = at.client.watch_book(SYMBOL)
        for _ in range(books):
            await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return begun

    return run_virtually(main)


def test_pauses_grow_while_the_exchange_is_gone() -> None:
    assert begun_at(*[DOWN] * 7, BOOK) == [0, 1, 3, 7, 15, 31, 47, 63]


def test_pauses_are_short_again_after_something_came() -> None:
    assert begun_at(DOWN, DOWN, DOWN, BOOK, DOWN, BOOK, books=2) == [0, 1, 3, 7, 7, 8]


def test_stream_is_begun_at_once_when_the_exchange_answers_again_and_pauses_are_short_then() -> (
    None
):
    assert begun_at(*[DOWN] * 6, BOOK, back_at=20) == [0, 1, 3, 7, 15, 20, 21]


def test_stream_that_is_being_begun_when_the_exchange_answers_again_is_begun_anew_at_once() -> None:
    assert begun_at(DOWN, DOWN, DOWN, DOWN, BOOK, back_at=8, slow=4) == [0, 1, 3, 7, 12]


def test_silence_and_what_others_cancel_do_not_make_pauses_longer() -> None:
    assert begun_at(TimeoutError(), asyncio.CancelledError(), TimeoutError(), BOOK) == [0, 1, 2, 3]


def test_stream_waits_for_the_end_of_a_ban_before_it_begins_anew() -> None:
    by_the_snapshot = Silenced("418", 7.0)
    by_the_handshake = ccxt.NetworkError(Silenced("418", 5.0))
    assert begun_at(by_the_snapshot, by_the_handshake, DOWN, BOOK) == [0, 7, 12, 13]


def test_account_stream_is_told_taken_up_when_it_has_not_failed_for_a_while() -> None:
    async def main() -> list[tuple[float, str]]:
        loop = asyncio.get_running_loop()
        at, tries, told = Client(), 0, list[tuple[float, str]]()

        async def watch() -> object:
            nonlocal tries
            tries += 1
            if tries <= 4:
                raise DOWN
            if tries == 5:
                await asyncio.sleep(10)
                return []
            return await asyncio.Event().wait()

        def note(channel: str, _: str | None, event: str, __: str | None) -> None:
            if channel == "orders":
                told.append((loop.time(), event))

        vars(at.ccxt)["watch_orders"] = watch
        at.client._on_stream = note
        reports = asyncio.ensure_future(anext(at.client.watch_order_reports()))
        await asyncio.sleep(60)
        reports.cancel()
        await asyncio.gather(reports, return_exceptions=True)
        return told

    assert run_virtually(main) == [
        *((at_s, "disconnected") for at_s in (0, 1, 3, 7)),
        (18, "taken_up"),  # begun at 15
        (25, "connected"),
        (25, "message"),
    ]
