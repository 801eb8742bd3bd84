"""Active particles: their sizes and shapes, packed in a box, and which of them touch."""
