"""pgBackRest as seen from here: the program, its configuration, its info document."""
