"""Patroni: its REST API, asked and understood."""
