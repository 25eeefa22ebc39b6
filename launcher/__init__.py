"""pyscript: run a Python file that says, in a PEP 723 block, what it needs."""

__version__ = "0.1.0"
