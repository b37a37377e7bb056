"""Limits that every order must pass, and what the day has cost."""

from cryptobot.trading.risk.daily_loss import DailyLoss
from cryptobot.trading.risk.exposure import pending, reduces
from cryptobot.trading.risk.limits import Denial, RiskLimits, SymbolLimits
from cryptobot.trading.risk.room import Holding, Risk, Surroundings

__all__ = [
    "DailyLoss",
    "Denial",
    "Holding",
    "Risk",
    "RiskLimits",
    "Surroundings",
    "SymbolLimits",
    "pending",
    "reduces",
]
