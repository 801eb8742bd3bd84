"""The two-scale route: patches of coat, a cathode as a network of blocks, and the calibration of both."""
