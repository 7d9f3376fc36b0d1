"""What PostgreSQL tells of its archiving, on real servers whose archiving is broken."""
