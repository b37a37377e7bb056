"""Table models: sort and filter inside, one change signal for a batch."""
