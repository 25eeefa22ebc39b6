"""What a bundle needs to run where pyscript is not installed. It is copied into every bundle, as source text.

It imports the standard library only. `__main__` is what a start runs, and all that a second start runs; `machine` says
on which interpreters a bundle runs, and `unpack` makes an environment of it on its first start. `__main__` and
`machine` can be read by Python 2.7, so that it can be told that it is too old; `unpack` needs 3.8.
"""
