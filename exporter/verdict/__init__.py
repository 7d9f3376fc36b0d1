"""What is fine and what is not, by the thresholds in force: a file for each kind of facts."""
