"""Log lines for machines: JSON, with the id of the request, and never what was said."""
