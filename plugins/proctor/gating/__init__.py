"""Gates: what must hold before a checkpoint may ship, and the verdicts on it."""
