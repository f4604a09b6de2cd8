"""The file engine: one append-only log per run is the truth, everything else is derived from it."""
