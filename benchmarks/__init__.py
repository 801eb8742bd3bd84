"""Speed and memory as ratios within one run; not shipped, and no test."""
