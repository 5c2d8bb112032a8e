"""Statistics: pure functions from values to scores with their uncertainty; no file, no model, no pytest."""
