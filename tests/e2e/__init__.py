"""Proofs against real processes: simulated exchange, engine, window, ops scripts."""
