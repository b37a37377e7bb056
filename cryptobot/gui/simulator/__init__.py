"""The demo's simulated exchange in the window: its faults as a menu, and what is on now."""
