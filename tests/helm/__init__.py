"""The chart: its values, and what Helm itself makes of it."""
