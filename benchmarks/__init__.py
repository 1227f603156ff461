"""How fast, how right, how much memory: measured, and written to RESULTS.md."""
