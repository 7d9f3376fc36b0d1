"""Prometheus exporter for pgBackRest: which backups there are, how old, how far the WAL reaches, what is wrong."""

__version__ = "0.1.0"
