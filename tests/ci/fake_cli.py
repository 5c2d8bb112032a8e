"""`gh`, `curl`, `git push` and `pip` as CI knows them: they note how they were called, and answer from a folder.

Called as `fake_cli.py NAME ARGUMENTS`; the folder is that of FAKE_CI: log.jsonl is written there, comments.json (those
on the pull request) and status (of the package registry) are read, artifacts/ and packages/ are what was uploaded.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

FAKE = Path(os.environ["FAKE_CI"])
MARKER = "<!-- proctor gate -->"


def note(name: str, arguments: list[str], **more: Any) -> None:
    with (FAKE / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"name": name, "arguments": arguments, **more}) + "\n")


def option(arguments: list[str], name: str) -> str | None:
    return arguments[arguments.index(name) + 1] if name in arguments else None


def unknown(name: str, arguments: list[str]) -> NoReturn:
    sys.exit(f"the fake {name} knows no {arguments}")


def comments() -> list[dict[str, Any]]:
    file = FAKE / "comments.json"
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return found


# --- gh ---------------------------------------------------------------------------------------------------------------


def gh(arguments: list[str]) -> None:
    body = next((one.removeprefix("body=@") for one in arguments if one.startswith("body=@")), None)
    body = body or option(arguments, "--body-file")
    note("gh", arguments, body=None if body is None else Path(body).read_text(encoding="utf-8"))
    if arguments[0] == "pr" or "--method" in arguments:
        return
    if arguments[:2] == ["run", "download"]:
        shutil.copytree(FAKE / "artifacts" / str(option(arguments, "--name")), str(option(arguments, "--dir")))
    elif arguments[0] == "api":
        path = next(one for one in arguments if one.startswith("repos/"))
        jq(str(option(arguments, "--jq")), comments() if path.endswith("/comments") else artifacts(path))
    else:
        unknown("gh", arguments)


def artifacts(path: str) -> dict[str, Any]:
    """One that was uploaded; and newer ones that must not be taken: of a fork, of another branch, one that expired."""
    name = path.partition("?name=")[2].partition("&")[0]
    found = [
        {"created_at": "2026-03-01", "expired": False, "workflow_run": origin(666, "main", fork=True)},
        {"created_at": "2026-03-02", "expired": False, "workflow_run": origin(667, "side", fork=False)},
        {"created_at": "2026-03-03", "expired": True, "workflow_run": origin(668, "main", fork=False)},
    ]
    if (FAKE / "artifacts" / name).exists():
        found.append({"created_at": "2026-02-01", "expired": False, "workflow_run": origin(7, "main", fork=False)})
        found.append({"created_at": "2026-01-01", "expired": False, "workflow_run": origin(6, "main", fork=False)})
    return {"artifacts": found}


def origin(run: int, branch: str, *, fork: bool) -> dict[str, Any]:
    return {"id": run, "head_branch": branch, "head_repository_id": 2 if fork else 1, "repository_id": 1}


def jq(expression: str, value: Any) -> None:
    """By jq where there is one; else what the expressions in docs/ci.md come to."""
    if shutil.which("jq"):
        subprocess.run(["jq", "-r", expression], input=json.dumps(value), text=True, check=True)
    elif isinstance(value, list):
        for one in value:
            if one["body"].startswith(MARKER):
                print(one["id"])
    elif len(value["artifacts"]) > 3:
        print(7)


# --- curl -------------------------------------------------------------------------------------------------------------

VALUED = ("--header", "--output", "--write-out", "--request", "--data-urlencode", "--upload-file")


def curl(arguments: list[str]) -> None:
    rest, given = list(arguments), {}
    for name in VALUED:
        while name in rest:
            place = rest.index(name)
            given[name], rest = rest[place + 1], rest[:place] + rest[place + 2 :]
    (url,) = [one for one in rest if not one.startswith("--")]
    field, _, file = given.get("--data-urlencode", "").partition("@")
    body = Path(file).read_text(encoding="utf-8") if field == "body" else None
    note("curl", arguments, url=url, body=body)
    stored = FAKE / "packages" / url.partition("/packages/generic/")[2].replace("/", "_")
    if "/notes" in url:
        if "--request" not in given:
            print(json.dumps(comments()))
    elif "/packages/generic/" not in url:
        unknown("curl", arguments)
    elif "--upload-file" in given:
        stored.parent.mkdir(exist_ok=True)
        shutil.copy(given["--upload-file"], stored)
    else:
        fixed = FAKE / "status"
        status = fixed.read_text() if fixed.exists() else "200" if stored.exists() else "404"
        content = stored.read_bytes() if status == "200" else b'{"message":"none"}'
        Path(given["--output"]).write_bytes(content)
        print(given["--write-out"].replace("%{http_code}", status), end="")


def git(arguments: list[str]) -> None:
    if "push" in arguments:
        note("git", arguments)
    else:
        os.execv(os.environ["REAL_GIT"], ["git", *arguments])


def pip(arguments: list[str]) -> None:
    note("pip", arguments)


if __name__ == "__main__":
    {"gh": gh, "curl": curl, "git": git, "pip": pip}[sys.argv[1]](sys.argv[2:])
