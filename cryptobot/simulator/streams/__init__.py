"""Market streams and the user data stream: who listens, and what they are sent when."""
