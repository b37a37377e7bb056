from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.order import Side
from cryptobot.matching.market_book import MarketSide

from .venue import levels, text


def asks(words: str) -> MarketSide:
    side = MarketSide(Side.SELL)
    side.replace(levels(words))
    return side


def test_levels_with_both_sides_come_best_first() -> None:
    bids = MarketSide(Side.BUY)
    for price, amount in levels("99 x 1, 101 x 2, 100 x 3"):
        bids.update(price, amount)
    assert text(bids) == "101 x 2, 100 x 3, 99 x 1"
    assert text(asks("99 x 1, 101 x 2, 100 x 3")) == "99 x 1, 100 x 3, 101 x 2"


def test_update_with_zero_removes_also_what_was_never_there() -> None:
    side = asks("100 x 1, 101 x 2")
    side.update(D(100), D(0))
    side.update(D(105), D(0))
    assert text(side) == "101 x 2"


@pytest.mark.parametrize(
    ("new_amount", "left"),
    [("5", "2"), ("9", "6"), ("4", "1"), ("3", None), ("1", None)],
)
def test_consumed_with_changed_level_stays_remembered(new_amount: str, left: str | None) -> None:
    side = asks("100 x 5, 101 x 1")
    side.consume(D(100), D(3))
    side.update(D(100), D(new_amount))
    assert side.left(D(100)) == D(left or 0)
    assert side.best() == ((D(100), D(left)) if left else (D(101), D(1)))


def test_consumed_with_level_shrunk_below_it_is_forgotten_in_part() -> None:
    side = asks("100 x 5")
    side.consume(D(100), D(3))
    side.update(D(100), D(1))
    side.update(D(100), D(4))
    assert side.left(D(100)) == D(3)


def test_consumed_with_level_removed_and_added_again_is_reset() -> None:
    side = asks("100 x 5")
    side.consume(D(100), D(3))
    side.update(D(100), D(0))
    side.update(D(100), D(5))
    assert side.left(D(100)) == D(5)


def test_consumed_with_snapshot_of_the_same_level_stays_remembered() -> None:
    side = asks("100 x 5, 101 x 1")
    side.consume(D(100), D(3))
    side.replace(levels("100 x 5, 102 x 1"))
    assert text(side) == "100 x 2, 102 x 1"
    side.replace(levels("102 x 1"))
    side.replace(levels("100 x 5, 102 x 1"))
    assert text(side) == "100 x 5, 102 x 1"


def test_consumed_with_level_drifting_out_of_the_window_and_back_stays_remembered() -> None:
    side = asks("100 x 5, 101 x 5")
    side.consume(D(101), D(3))
    side.replace_window(levels("99 x 1, 100 x 5"))
    assert not side.covers(D(101))
    assert text(side) == "99 x 1, 100 x 5"
    side.replace_window(levels("100 x 5, 101 x 5"))
    assert text(side) == "100 x 5, 101 x 2"


def test_consumed_with_level_missing_inside_the_window_is_reset() -> None:
    side = asks("100 x 5, 101 x 5")
    side.consume(D(100), D(3))
    side.replace_window(levels("99 x 1, 101 x 5"))
    side.replace_window(levels("100 x 5, 101 x 5"))
    assert side.left(D(100)) == D(5)


def test_consume_with_more_than_is_left_raises() -> None:
    side = asks("100 x 5")
    side.consume(D(100), D(3))
    with pytest.raises(ValueError, match="cannot take 3 of 2 at 100"):
        side.consume(D(100), D(3))


def test_consumed_beyond_the_window_is_remembered_nearest_first_up_to_a_bound() -> None:
    bids = MarketSide(Side.BUY)
    prices = [D(price) for price in range(1000, 1600)]
    for price in prices:
        bids.replace_window([(price, D(2))])
        bids.consume(price, D(1))
    bids.replace_window([(D(2000), D(2))])
    bids.replace_window([(price, D(2)) for price in prices])
    forgotten = [price for price in prices if bids.left(price) == D(2)]
    assert forgotten == prices[:100]
