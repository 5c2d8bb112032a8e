"""Comparing: runs with each other, with logs of other harnesses, and with published scores."""
