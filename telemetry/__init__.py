"""The telemetry agent: metrics, exporter, health and logs, usable without cryptobot."""
