"""The web edge: sockets, TLS, users, connections, and what is served where."""
