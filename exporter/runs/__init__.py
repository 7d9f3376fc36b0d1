"""Runs of pgBackRest, as its log files and the wrapper's records tell of them, made into one history."""
