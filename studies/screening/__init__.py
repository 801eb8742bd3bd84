"""Many candidate recipes ranked, with intervals."""
