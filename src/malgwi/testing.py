"""Stand-ins for the slow and the remote."""
