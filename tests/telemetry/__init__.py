"""Tests of the telemetry agent."""
