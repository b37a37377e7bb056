import re
from random import Random

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, ManualClock, SystemClock, iso, when
from cryptobot.domain.ids import IdSource, client_order_id


def test_ids_with_a_seed_repeat_and_without_one_do_not() -> None:
    assert [IdSource(Random(1)).hex32() for _ in range(3)] == [IdSource(Random(1)).hex32()] * 3
    assert IdSource().hex32() != IdSource().hex32()


def test_ids_have_32_hex_digits_also_when_small() -> None:
    class Small(Random):
        def getrandbits(self, k: int, /) -> int:
            assert k == 128
            return 7

    assert IdSource(Small()).hex32() == "0" * 31 + "7"
    assert re.fullmatch("[0-9a-f]{32}", IdSource().hex32())


def test_client_order_id_is_derived_and_fits_every_exchange() -> None:
    order_id = IdSource(Random(1)).hex32()
    client_id = client_order_id(order_id)
    assert client_id == client_order_id(order_id)
    assert re.fullmatch("cb[0-9a-f]{30}", client_id)


def test_client_order_ids_of_many_orders_differ() -> None:
    ids = IdSource(Random(1))
    assert len({client_order_id(ids.hex32()) for _ in range(10_000)}) == 10_000


def test_manual_clock_moves_when_told_and_its_monotonic_half_never_back() -> None:
    clock = ManualClock(10 * NS_PER_S)
    clock.advance(NS_PER_S)
    assert (clock.now_ns(), clock.monotonic_ns()) == (11 * NS_PER_S, NS_PER_S)
    clock.set(5 * NS_PER_S)
    assert (clock.now_ns(), clock.monotonic_ns()) == (5 * NS_PER_S, NS_PER_S)
    clock.set(7 * NS_PER_S)
    assert clock.monotonic_ns() == 3 * NS_PER_S


def test_system_clock_tells_nanoseconds_of_this_century() -> None:
    clock = SystemClock()
    assert clock.now_ns() > 1_700_000_000 * NS_PER_S
    assert clock.monotonic_ns() <= clock.monotonic_ns()


def test_iso_is_utc_with_milliseconds_cut_off() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(1_700_000_000 * NS_PER_S + 999 * NS_PER_MS + 999_999) == "2023-11-14T22:13:20.999Z"


def test_when_is_a_whole_second_that_is_not_over_yet() -> None:
    assert when(1_700_000_000 * NS_PER_S) == "2023-11-14 22:13:20 UTC"
    assert when(1_700_000_000 * NS_PER_S + 1) == "2023-11-14 22:13:21 UTC"
