"""What can go wrong, and what it means for a run.

    ProctorError
    ├── SetupError              wrong before any sample was asked: one message, exit code 4
    │   ├── DataError           a row, file or manifest that cannot be read
    │   ├── PromptError         a template that cannot be rendered
    │   └── ServiceError        no model service, the wrong one, or one that lacks an ability
    └── AskError                one sample could not be answered: an error, never a wrong answer
        └── StopAsking          nor could any other: the run ends with what it has

Every message says what happened, where, and what to do about it.
"""

from __future__ import annotations

from typing import Any


class ProctorError(Exception):
    """Root of all errors that proctor raises on purpose."""


class SetupError(ProctorError):
    """Something is wrong that makes the whole run pointless; found before the first ask."""


class DataError(SetupError):
    """Data cannot be read: the message names the file and, where there is one, the line."""


class PromptError(SetupError):
    """A prompt template cannot be read or names a field that the sample does not have."""


class ServiceError(SetupError):
    """The model service cannot be had, serves another model, or cannot do what a task needs."""


class AskError(ProctorError):
    """An ask failed for good.

    `kind` is the heading under which the report counts it, one word in lower case:
    `timeout`, `connection`, `http_500`, `rate_limited`, `malformed`, ... `attempts` is how many requests
    it took to fail. `output` is what the model had answered where something after that failed (its judge, say).
    """

    output: Any = None

    def __init__(self, kind: str, message: str, attempts: int = 1) -> None:
        super().__init__(message)
        self.kind = kind
        self.attempts = attempts


class StopAsking(AskError):
    """Nothing more can be asked in this run: what it may spend is spent, or the provider's quota is.

    What is under way is waited for and judged; then the run is interrupted, and can go on by --resume.
    """
