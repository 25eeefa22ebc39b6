"""The last step of a launch and the shortest way to it; imports builtin modules only."""
