"""One file for each source of facts; the file's name is the collector's name everywhere."""
