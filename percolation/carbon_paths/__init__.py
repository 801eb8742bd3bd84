"""Paths through carbon: networks of touching primaries, thresholds in bulk and along coats, bridges across them."""
