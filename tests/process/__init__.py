"""The exporter as a process of its own, with the stand-in as the only pgbackrest that it finds."""
