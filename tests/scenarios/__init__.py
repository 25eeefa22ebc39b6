"""Resolver cases as data, and what runs them."""
