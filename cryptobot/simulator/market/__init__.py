"""Where the simulated exchange's market comes from: generated, or replayed from recordings."""
