"""For whoever runs it: models and samples are fetched, verified and kept."""
