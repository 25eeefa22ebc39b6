"""Requirements -> resolution: indexes, candidates, the resolver's policy, and locks."""
