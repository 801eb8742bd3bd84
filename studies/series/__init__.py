"""The main job: every composition of a study with every primary resolved, and its thresholds."""
