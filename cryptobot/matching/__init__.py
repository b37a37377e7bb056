"""One exact matching engine for the paper exchange, the simulated exchange and simulations."""
