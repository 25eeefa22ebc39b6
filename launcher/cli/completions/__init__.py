"""Completion of pyscript's own command line: the syntax, taken from the parsers, and a script of it for each shell."""
