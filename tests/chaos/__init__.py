"""Harm of every kind, one after the other: what is killed, full, flapping or out of time loses the exporter nothing."""
