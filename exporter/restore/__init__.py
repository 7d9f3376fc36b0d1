"""The restore test: it restores a backup into a scratch place, starts PostgreSQL there, checks it and cleans up."""
