"""From the onsets of many samples to a threshold with its interval, and to samples without an end."""
