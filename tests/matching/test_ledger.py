from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.matching.ledger import Holding, Ledger
from cryptobot.matching.refusal import Refusal, RefusalCode


def test_ledger_with_lock_spend_unlock_and_credit_moves_exactly() -> None:
    ledger = Ledger({"USDT": D("10.00000001")})
    ledger.lock("USDT", D("7.00000001"))
    ledger.spend("USDT", D(2))
    ledger.unlock("USDT", D("5.00000001"))
    ledger.credit("BTC", D("0.1"))
    assert ledger.balances() == {
        "USDT": Holding(D("8.00000001"), D(0)),
        "BTC": Holding(D("0.1"), D(0)),
    }


def test_ledger_with_lock_above_free_refuses_and_changes_nothing() -> None:
    ledger = Ledger({"USDT": D(1)})
    with pytest.raises(Refusal, match=r"1\.1 USDT needed, 1 USDT free") as caught:
        ledger.lock("USDT", D("1.1"))
    assert caught.value.code is RefusalCode.INSUFFICIENT_FUNDS
    assert ledger.holding("USDT") == Holding(D(1), D(0))


@pytest.mark.parametrize("move", ["unlock", "spend"])
def test_ledger_with_more_than_locked_raises_and_changes_nothing(move: str) -> None:
    ledger = Ledger({"USDT": D(5)})
    ledger.lock("USDT", D(2))
    with pytest.raises(ValueError, match="negative"):
        getattr(ledger, move)("USDT", D(3))
    assert ledger.holding("USDT") == Holding(D(3), D(2))


@pytest.mark.parametrize("move", ["deposit", "credit", "lock", "unlock", "spend"])
def test_ledger_with_negative_amount_raises(move: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        getattr(Ledger({"USDT": D(5)}), move)("USDT", D(-1))


def test_reset_with_locked_funds_raises() -> None:
    ledger = Ledger({"USDT": D(5)})
    ledger.lock("USDT", D(1))
    with pytest.raises(ValueError, match="locked in open orders: USDT"):
        ledger.reset({})
