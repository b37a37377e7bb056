"""Strategies: market data and own fills in, intents out. They know no venue and no mode."""
