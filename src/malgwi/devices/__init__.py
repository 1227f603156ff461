"""What this machine can compute on, and why not on what was asked for."""
