"""Masking: answers and errors of a server are taken in without the credentials that it received."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from evolve.llm.transport.reply import ModelError

Value = TypeVar("Value")
MASK = "…"
MIN_SECRET_CHARACTERS = 6  # a shorter value, such as `none`, occurs in ordinary text
MIN_PART_CHARACTERS = 4  # of a secret at the end of a text that was cut


class Mask:
    """Removal of credentials from text."""

    def __init__(self, key: str = "", user_info: str = "") -> None:
        """
        Args:
            key: the API key; empty for none.
            user_info: `user:password` of the address; empty for none.
        """
        password = user_info.partition(":")[2] or user_info
        plain = [key.strip(), user_info, password, unquote(user_info), unquote(password)]
        encoded = [b64encode(each.encode("utf-8", "replace")).decode() for each in plain]
        forms = {*plain, *encoded, *(each.rstrip("=") for each in encoded), *map(quote, plain)}
        secrets = [each for each in forms if len(each) >= MIN_SECRET_CHARACTERS]
        self._secrets = sorted(secrets, key=lambda each: (-len(each), each))

    def apply(self, value: Value) -> Value:
        """Return a value whose texts do not contain the credentials.

        Args:
            value: a text, a frozen dataclass, or a list, tuple or mapping of them.
        """
        masked: Any = value
        if isinstance(value, str):
            masked = self._mask_text(value)
        elif is_dataclass(value) and not isinstance(value, type):
            changed = {each.name: self.apply(getattr(value, each.name)) for each in fields(value)}
            masked = replace(value, **changed)
        elif isinstance(value, Mapping):
            masked = {self.apply(name): self.apply(each) for name, each in value.items()}
        elif isinstance(value, list | tuple):
            masked = type(value)(self.apply(each) for each in value)
        result: Value = masked
        return result

    def apply_to_error(self, error: ModelError) -> ModelError:
        """Remove the credentials from all texts of an error; return it."""
        for name, value in vars(error).items():
            setattr(error, name, self.apply(value))
        error.args = (f"{error.message}\n  = {error.hint}" if error.hint else error.message,)
        return error

    def _mask_text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for secret in self._secrets:
            text = _cut_part(text, secret)
        return text


def _cut_part(text: str, secret: str) -> str:
    """Return a text without the beginning of a secret at its end: a long message is cut."""
    for length in range(min(len(secret) - 1, len(text)), MIN_PART_CHARACTERS - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + MASK
    return text
