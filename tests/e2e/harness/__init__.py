"""What the proofs drive: processes, load, and readers of what is left behind."""
