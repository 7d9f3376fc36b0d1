"""Prometheus exporter that tells whether PostgreSQL databases backed up by pgBackRest can be recovered."""

__version__ = "0.1.0"
