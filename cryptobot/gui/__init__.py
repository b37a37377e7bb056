"""The window: shows what the engine reports and asks it for what the trader wants."""
