"""Runs with real packages from the default index."""
