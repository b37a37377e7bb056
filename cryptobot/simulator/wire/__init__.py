"""The JSON shapes of Binance's spot API."""
