"""Data: where a benchmark's rows come from, and how they become samples."""
