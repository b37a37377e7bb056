"""The network in memory: what arrives, in which order, and who is told."""

import asyncio
from collections.abc import Iterator
from contextvars import Context

import pytest

from .http_reader import RequestReader, refusal_of
from .network import TCP_GIVES_UP_S, End, join
from .virtual_loop import VirtualLoop


class Reader(asyncio.Protocol):
    """Notes what it hears, and when."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.heard: list[tuple[float, object]] = []

    def data_received(self, data: bytes) -> None:
        self.heard.append((self._loop.time(), data))

    def connection_lost(self, exc: Exception | None) -> None:
        self.heard.append((self._loop.time(), exc))


class Pair:
    """Two joined ends, with a way of one second, or of what is said."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.ways = [1.0]
        readers = Reader(self.loop), Reader(self.loop)
        self.here, self.there = (End(self.loop, it, Context(), self._way) for it in readers)
        self.heard_here, self.heard_there = (it.heard for it in readers)
        join(self.here, self.there)

    def _way(self) -> float:
        return self.ways.pop() if len(self.ways) > 1 else self.ways[0]

    def after(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.loop.close()


def test_bytes_arrive_in_order_whatever_each_takes(pair: Pair) -> None:
    pair.ways = [1.0, 0.5, 2.0]
    for data in (b"a", b"b", b"c"):
        pair.here.write(data)
    pair.after(5)
    assert pair.heard_there == [(2.0, b"a"), (2.0, b"b"), (2.0, b"c")]


def test_close_comes_after_what_was_written(pair: Pair) -> None:
    pair.here.write(b"a")
    pair.here.close()
    pair.after(5)
    assert pair.heard_there == [(1.0, b"a"), (1.0, None)]
    assert pair.heard_here == [(0.0, None)]


def test_reset_is_heard_as_one(pair: Pair) -> None:
    pair.here.abort()
    pair.after(5)
    [(at_s, error)] = pair.heard_there
    assert at_s == 1.0
    assert isinstance(error, ConnectionResetError)


def test_dead_end_hears_nothing_until_it_gives_up(pair: Pair) -> None:
    pair.here.go_dead()
    pair.there.write(b"lost")
    pair.there.close()
    pair.here.write(b"still arrives")
    pair.after(TCP_GIVES_UP_S - 1)
    assert pair.heard_here == []
    assert pair.heard_there == [(0.0, None)]
    pair.after(2)
    [(at_s, error)] = pair.heard_here
    assert at_s == TCP_GIVES_UP_S
    assert isinstance(error, TimeoutError)


def test_paused_end_reads_when_it_resumes(pair: Pair) -> None:
    pair.there.pause_reading()
    pair.here.write(b"a")
    pair.after(3)
    assert pair.heard_there == []
    pair.there.resume_reading()
    pair.after(0)
    assert [data for _, data in pair.heard_there] == [b"a"]


def test_end_of_a_process_that_is_gone_says_and_hears_nothing(pair: Pair) -> None:
    pair.here.cut = True
    pair.here.write(b"a")
    pair.there.write(b"b")
    pair.after(3)
    assert pair.heard_here == pair.heard_there == []


def test_reader_knows_an_order_once_its_last_byte_is_written() -> None:
    head = b"POST /api/v3/order HTTP/1.1\r\nHost: api.binance.com\r\nContent-Length: 22\r\n\r\n"
    reader = RequestReader()
    assert reader.feed(head) is None
    assert reader.feed(b"newClientOrder") is None
    request = reader.feed(b"Id=cb01&")
    assert request is not None
    assert (request.is_order, request.name, request.host) == (True, "cb01", "api.binance.com")
    cancel = reader.feed(b"DELETE /api/v3/order?symbol=X HTTP/1.1\r\nHost: a\r\n\r\n")
    assert cancel is not None
    assert cancel.is_cancel
    upgrade = reader.feed(b"GET /ws/0 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n")
    assert upgrade is not None
    assert upgrade.upgrade
    assert reader.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") is None


def test_refusal_is_read_from_an_answers_head() -> None:
    assert refusal_of(b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n\r\n{}") == (429, 7.0)
    assert refusal_of(b"HTTP/1.1 418 Teapot\r\n\r\n") == (418, 0.0)
    assert refusal_of(b"HTTP/1.1 200 OK\r\nRetry-After: 7\r\n\r\n") is None
