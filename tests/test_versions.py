"""A plugin that meets benchmarks of another version says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def collect(folder: Path) -> str:
    path = os.pathsep.join([str(ROOT / "plugins"), str(ROOT / "fixtures")])
    command = [sys.executable, "-m", "pytest", "evals", "-k", "gsm8k", "--model=proctor:gold", "--limit=2"]
    command += ["-p", "proctor.plugin", "-p", "proctor_service.plugin", "--rootdir", str(folder)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_benchmarks_of_another_version_are_told(tmp_path):
    for name in ("evals", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert "scores may differ" not in collect(tmp_path)
    marker = tmp_path / "evals" / "__init__.py"
    marker.write_text(marker.read_text().replace("0.1.0", "0.0.9"))
    said = collect(tmp_path)
    assert "proctor 0.0.9, the plugin of 0.1.0" in " ".join(said.split())
