"""Alembic's folder: one module per schema revision, run by ``cryptobot.journal.migration``."""
