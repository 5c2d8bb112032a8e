"""What a checkout needs to run uninstalled: its two packages on the path, and their plugins."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for source in ("plugins", "fixtures"):
    if str(HERE / source) not in sys.path:
        sys.path.insert(0, str(HERE / source))

pytest_plugins = ["proctor.plugin", "proctor_service.plugin"]
