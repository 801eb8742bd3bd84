"""The chart of percolation thresholds against coat thickness: made, kept, looked up, drawn."""
