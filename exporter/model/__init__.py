"""The vocabulary: frozen facts only, a file for each source that they come from. None is "unknown", never zero."""
