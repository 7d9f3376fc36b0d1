"""Restore tests on real servers: what they prove, what they do not, and that they harm nothing."""
