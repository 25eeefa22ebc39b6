"""What a bundle needs to run where pyscript is not installed. It is copied into every bundle, as source text.

It imports the standard library only. `__main__` is what a start runs, and with `start` all that a second start runs.
The first one goes through `first_start` to `machine`, which says where a bundle runs, and to `unpack` with `tree`,
which makes an environment of it. The former can be read by Python 2.7, so that it can be told that it is too old;
`start`, `unpack` and `tree` need 3.8.
"""
