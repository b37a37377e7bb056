from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from math import sin

import pytest

from cryptobot.domain.errors import UserError
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderIntent, OrderState, OrderType, Side
from cryptobot.strategies.grid import Grid
from cryptobot.strategies.moving_average_cross import MovingAverageCross
from cryptobot.strategies.strategy import Action, CancelIntent, ParamValue, Strategy

from .market import INSTRUMENT, a_book, an_order, candles, sides

WAVE = [100 + 10 * sin(number / 5) for number in range(120)]
FAST: dict[str, ParamValue] = {"fast": 3, "slow": 8}


def crossing(params: dict[str, ParamValue], closes: list[float], **more: object) -> list[Action]:
    strategy = MovingAverageCross(params, INSTRUMENT, **more)  # type: ignore[arg-type]
    return [action for candle in candles(closes) for action in strategy.on_candle(candle)]


class TestMovingAverageCross:
    def test_wave_is_bought_and_sold_in_turn_at_the_market(self) -> None:
        intents = crossing(FAST, WAVE)
        assert len(intents) >= 4
        assert sides(intents) == (["buy", "sell"] * len(intents))[: len(intents)]
        for intent in intents:
            assert isinstance(intent, OrderIntent)
            assert (intent.type, intent.amount, intent.price) == (
                OrderType.MARKET,
                D("0.001"),
                None,
            )
            assert intent.origin == "strategy:moving_average_cross"

    def test_same_candles_give_the_same_orders(self) -> None:
        assert crossing(FAST, WAVE) == crossing(FAST, WAVE)

    def test_every_change_of_a_running_candle_counts_its_last_close_only(self) -> None:
        strategy = MovingAverageCross(FAST, INSTRUMENT)
        found: list[Action] = []
        for candle in candles(WAVE):
            for wobble in (5, -5, 0):
                moved = replace(candle, close=candle.close + wobble)
                found.extend(strategy.on_candle(moved))
        assert found == crossing(FAST, WAVE)

    def test_history_makes_the_first_candle_count(self) -> None:
        history = candles(WAVE[:40])
        strategy = MovingAverageCross(FAST, INSTRUMENT, history)
        late = [a for candle in candles(WAVE)[39:] for a in strategy.on_candle(candle)]
        assert late
        assert sides(late)[0] == "buy"

    def test_sampling_trades_by_the_clock_of_the_book(self) -> None:
        strategy = MovingAverageCross({**FAST, "sample_s": 3}, INSTRUMENT)
        found: list[Action] = []
        for number, close in enumerate(WAVE):
            [candle] = candles([close])
            found.extend(strategy.on_candle(candle))
            for part in range(3):  # three books a second apart make one sample
                book = a_book(str(close), str(close), at_ms=number * 3000 + part * 1000)
                found.extend(strategy.on_book(book))
        assert sides(found) == sides(crossing(FAST, WAVE))

    def test_flat_market_is_left_alone(self) -> None:
        assert crossing(FAST, [100.0] * 60) == []

    @pytest.mark.parametrize(
        ("params", "said"),
        [
            ({"fast": 0}, "fast"),
            ({"fast": 9, "slow": 9}, "slow"),
            ({"fast": "2.5"}, "fast"),
            ({"amount": "much"}, "amount"),
            ({"amount": "0.0001"}, "amount is below"),
            ({"sample_s": -1}, "sample_s"),
            ({"speed": 1}, "unknown parameter speed; known: symbol, amount, fast, slow, sample_s"),
        ],
    )
    def test_bad_parameter_is_named(self, params: dict[str, ParamValue], said: str) -> None:
        with pytest.raises(UserError, match=said):
            MovingAverageCross(params, INSTRUMENT)


class TestGrid:
    PARAMS: dict[str, ParamValue] = {  # noqa: RUF012 - never changed
        "symbol": "BTC/USDT",
        "amount": "0.5",
        "levels": 2,
        "step": "0.01",
    }

    def grid(self) -> Grid:
        return Grid(self.PARAMS, INSTRUMENT)

    def laid(self, grid: Grid) -> list[tuple[str, D | None]]:
        actions = list(grid.on_book(a_book("99", "101")))
        return [(str(a.side), a.price) for a in actions if isinstance(a, OrderIntent)]

    def test_first_book_lays_levels_on_both_sides(self) -> None:
        grid = self.grid()
        assert list(grid.on_book(a_book("99"))) == []  # half a book has no middle
        assert self.laid(grid) == [
            ("buy", D(99)),
            ("sell", D(101)),
            ("buy", D(98)),
            ("sell", D(102)),
        ]
        assert list(grid.on_book(a_book("99.5", "101"))) == []

    @pytest.mark.parametrize(
        ("side", "price", "answer"),
        [(Side.BUY, "98", ("sell", D(99))), (Side.SELL, "102", ("buy", D(101)))],
    )
    def test_filled_level_is_answered_one_step_on_the_other_side(
        self, side: Side, price: str, answer: tuple[str, D]
    ) -> None:
        grid = self.grid()
        self.laid(grid)
        order = an_order("1", side, price)
        assert list(grid.on_order(order)) == []
        filled = replace(order, state=OrderState.FILLED, filled=D(1), cost=D(price))
        [reply] = grid.on_order(filled)
        assert isinstance(reply, OrderIntent)
        assert ((str(reply.side), reply.price), reply.amount) == (answer, D("0.5"))
        assert list(grid.on_order(filled)) == []

    @pytest.mark.parametrize("state", [OrderState.CANCELED, OrderState.REJECTED, OrderState.DENIED])
    def test_level_that_did_not_fill_is_not_answered(self, state: OrderState) -> None:
        grid = self.grid()
        self.laid(grid)
        list(grid.on_order(an_order("1")))
        assert list(grid.on_order(an_order("1", state=state))) == []

    def test_price_that_leaves_the_grid_moves_it(self) -> None:
        grid = self.grid()
        self.laid(grid)
        list(grid.on_order(an_order("1")))
        actions = list(grid.on_book(a_book("105.5", "106.5")))
        assert actions[0] == CancelIntent("1")
        assert len(actions) == 5

    def test_orders_of_an_earlier_run_are_gone_on_with(self) -> None:
        grid = self.grid()
        list(grid.on_order(an_order("1", Side.BUY, "98")))
        assert self.laid(grid) == []
        filled = an_order("1", Side.BUY, "98", state=OrderState.FILLED, filled=D(1), cost=D(98))
        assert sides(list(grid.on_order(filled))) == ["sell"]

    def test_change_of_mode_lays_a_new_grid_and_leaves_the_old_orders_to_their_mode(self) -> None:
        grid = self.grid()
        self.laid(grid)
        live = an_order("1", Side.BUY, "98")
        list(grid.on_order(live))
        list(grid.on_mode(Mode.PAPER))
        list(grid.on_order(replace(live, state=OrderState.PARTIALLY_FILLED, filled=D("0.1"))))
        assert len(self.laid(grid)) == 4
        filled = replace(live, state=OrderState.FILLED, filled=D(1), cost=D(98))
        assert list(grid.on_order(filled)) == []

    @pytest.mark.parametrize(
        "params", [{"levels": 0}, {"step": "0"}, {"step": "0.2"}, {"step": "x"}]
    )
    def test_bad_parameter_is_named(self, params: dict[str, ParamValue]) -> None:
        with pytest.raises(UserError, match=f"strategy grid: .*{next(iter(params))}"):
            Grid({**self.PARAMS, **params}, INSTRUMENT)


def test_helpers_of_a_strategy_follow_the_symbols_steps() -> None:
    strategy = Strategy.__new__(MovingAverageCross)
    Strategy.__init__(strategy, {"amount": 0.25}, INSTRUMENT)
    assert strategy.decimal("amount") == D("0.25")
    limit = strategy.limit(Side.SELL, D("1.23456"), D("99.996"))
    assert (limit.amount, limit.price) == (D("1.234"), D("100.00"))
