"""The verbs of the command `percoat`, a module for each."""
