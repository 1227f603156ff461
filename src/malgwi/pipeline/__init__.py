"""The stages assembled: `batch` for a recording, `merge` for one timeline of all channels."""
