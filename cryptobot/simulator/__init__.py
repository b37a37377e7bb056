"""A Binance-spot exchange on localhost: market, matching, REST, streams and user data."""
