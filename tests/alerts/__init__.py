"""The alert rules, their routing and their runbooks, tested with promtool, amtool, and real servers."""
