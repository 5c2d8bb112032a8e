"""The benchmarks, one module each, grouped by capability."""

PROCTOR_VERSION = "0.1.0"
