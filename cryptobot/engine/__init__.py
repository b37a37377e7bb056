"""The engine: composition root, life cycle, scheduled jobs and the control server."""
