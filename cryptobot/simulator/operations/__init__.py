"""What a client may ask, once for REST and ws-api."""
