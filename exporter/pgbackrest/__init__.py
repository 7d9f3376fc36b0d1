"""pgBackRest as seen from here: the program, its configuration, what it prints, lists, logs and leaves in its spool."""
