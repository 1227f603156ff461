"""What all doors share: keys, limits, uploads, errors, health, metrics."""
