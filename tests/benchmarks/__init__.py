"""Measure pyscript against its peers: `nox -s bench`, or `python -m tests.benchmarks` where pyscript is installed.

`__main__` reads the command line, `tools` installs who takes part, `plan` says how often and with which requirements,
`scenarios` and `launches` what is run, `workspace` gives each tool a home of its own, `crowd` fills a cache, `measure`
runs and times, `table` turns figures into text, `budgets` holds them against the promises.

What makes such figures lie, and what is done about it here:

- Everybody runs in turn within each round, and the order turns with the rounds: noise hits all alike.
- Runs are dropped until caches are warm. New environments get fresh paths; what has to go away is renamed, never
  deleted, before the end, because ext4 pays for deletions in the runs that follow.
- Children get a clean environment: an empty HOME, no `PYTHONDONTWRITEBYTECODE`, no settings of pip, uv or pyscript.
- A tool that fails is named with its reason and has no figures.
"""
