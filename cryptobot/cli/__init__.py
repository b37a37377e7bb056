"""The command ``cryptobot``: its parts are imported only when they are asked for."""

from cryptobot.cli.main import main

__all__ = ["main"]
