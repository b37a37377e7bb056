"""Proofs that repeat: a few rounds in the tests, many by ``python -m tools.proof``."""
