"""The simulated exchange on the network: REST, sockets, admin, TLS."""
