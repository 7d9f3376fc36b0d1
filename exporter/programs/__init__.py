"""Programs that are run: within a deadline, for long, or in our place at a terminal; nothing of them is left."""
