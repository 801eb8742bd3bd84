"""Faults on purpose: kills, damaged files, wrong inputs; each either ends in the right number or in one sentence."""
