"""Speed and size, side by side: this exporter, nginx with the same bytes, and optionally another exporter."""
