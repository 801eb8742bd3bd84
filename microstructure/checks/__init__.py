"""What must hold of a structure before anything is computed with it."""
