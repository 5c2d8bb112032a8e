"""The subcommands of `proctor`, a module each: `HELP`, `arguments` and `run`, as those of other packages have them."""
