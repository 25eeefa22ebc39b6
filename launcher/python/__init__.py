"""Interpreters: find them, and ask one what it is."""
