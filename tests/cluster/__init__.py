"""The user's picture as a real cluster, from the files in deploy/patroni: databases, repository host, S3."""
