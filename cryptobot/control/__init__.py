"""The control socket: JSON-RPC 2.0, one JSON object a line. Standard library only."""
