"""Long work: shared among processes, kept as soon as it is done, marked with the code that it came from."""
