"""The `malgwi` command."""
