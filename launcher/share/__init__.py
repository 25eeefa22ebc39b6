"""Giving scripts away, and knowing what they bring: what others get, and what is known of it."""
