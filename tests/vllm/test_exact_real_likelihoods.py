"""Log-probabilities by a real model, whose folder PROCTOR_REAL_MODEL names, on vLLM and with transformers."""

import os
from pathlib import Path

import pytest
from exact_likelihoods import NEEDED, compare

REAL = os.environ.get("PROCTOR_REAL_MODEL")
pytestmark = [*NEEDED, pytest.mark.skipif(REAL is None, reason="PROCTOR_REAL_MODEL names no folder of a real model")]


def test_of_a_real_model(tmp_path: Path):
    compare(Path(str(REAL)), tmp_path, straddles=False)
