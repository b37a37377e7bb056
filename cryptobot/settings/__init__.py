"""Settings: one model, five sources, and for every value where it came from."""

from cryptobot.settings.model import Settings, StartMode, StrategyStart
from cryptobot.settings.sources import SettingsError, load_settings

__all__ = ["Settings", "SettingsError", "StartMode", "StrategyStart", "load_settings"]
