"""What is asked of a restored cluster: one file for each family of checks."""
