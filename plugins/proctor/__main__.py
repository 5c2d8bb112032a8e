"""`python -m proctor`: the command `proctor`."""

from proctor.command import main

if __name__ == "__main__":
    raise SystemExit(main())
