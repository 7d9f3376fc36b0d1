"""A throw-away laboratory of real PostgreSQL and pgBackRest, for `make demo` and the end-to-end tests."""
