"""Percolation of voxels: clusters, spanning, and filling site by site."""
