"""From a cathode to a cell: capacity at a C-rate."""
