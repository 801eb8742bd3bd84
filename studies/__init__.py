"""Studies: a file says what to build, the command runs it and sets prediction beside measurement."""
