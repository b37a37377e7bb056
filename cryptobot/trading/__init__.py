"""The order path: one door, the fence, venues, modes, risk."""
