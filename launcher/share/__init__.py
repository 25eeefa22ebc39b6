"""Giving scripts to others and to oneself, and knowing what they bring: commands, and what is known of packages."""
