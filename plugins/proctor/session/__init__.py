"""A session of pytest: who collects, asks, judges and writes, alone and under xdist."""
