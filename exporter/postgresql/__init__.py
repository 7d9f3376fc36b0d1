"""PostgreSQL as it is asked: the way to its servers, and the words for what goes wrong there."""
