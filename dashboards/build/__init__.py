"""Writes the Grafana boards: `python -m dashboards.build` makes dashboards/*.json anew."""
