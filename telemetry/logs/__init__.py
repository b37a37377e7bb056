"""Structured logs: JSON lines in dated segments, written off the caller's path."""
