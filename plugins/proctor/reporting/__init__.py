"""Reporting: what is kept of a run, what its files say, and how a finished run is read again."""
