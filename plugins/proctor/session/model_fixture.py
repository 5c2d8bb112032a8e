"""The model as a fixture of ordinary tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from proctor.model import ROLES, Conversation, Likelihoods, Message, Output
from proctor.session.lookahead import Asker
from proctor.session.parts import PART


class TestModel:
    """The model, for ordinary tests: the methods of `proctor.Model`, waiting for their answers."""

    __test__ = False

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def generate(self, prompt: str, *, max_tokens: int = 512, **parameters: Any) -> Output:
        """Continue a prompt, greedily unless told otherwise."""
        return self._asker.submit(lambda model: model.generate(prompt, max_tokens=max_tokens, **parameters)).result()

    def chat(self, messages: str | Sequence[Mapping[str, str]], *, max_tokens: int = 512, **parameters: Any) -> Output:
        """The model's turn in a conversation, `[{"role": "user", "content": "Hi"}]`; a text is the user's one turn.

        Raises ValueError for what is no message.
        """
        turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        for turn in turns:
            if not isinstance(turn, Mapping) or turn.get("role") not in ROLES or "content" not in turn:
                raise ValueError(f"a message has a role ({', '.join(ROLES)}) and a content; got {turn!r}")
        made = [Message(turn["role"], turn["content"]) for turn in turns]
        conversation = Conversation("\n\n".join(turn.content for turn in made), made)
        return self.generate(conversation, max_tokens=max_tokens, **parameters)

    def loglikelihood(self, context: str, continuations: Sequence[str]) -> Likelihoods:
        """log P(continuation | context) in nats of each continuation."""
        return self._asker.submit(lambda model: model.loglikelihood(context, continuations)).result()


def model_for_tests(config: pytest.Config) -> TestModel:
    part = config.stash.get(PART, None)
    if part is None:
        pytest.fail("no plugin serves models: proctor_service is not loaded", pytrace=False)
    return TestModel(part.asker())
