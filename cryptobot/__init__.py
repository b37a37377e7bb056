"""CryptoBot Desktop: a crypto trading desktop built to be operated.

Import nothing here: ``ops/mode_switch.py`` imports ``cryptobot.control`` on a bare Python.
"""

__version__ = "0.1.0"
