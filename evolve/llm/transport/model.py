"""A model on a server, and the one that the environment names."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

OPENAI = "https://api.openai.com/v1"
UNNAMED = "default"  # what a server that serves one model may be asked for
MILLION = 1e6
VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")


@dataclass(frozen=True)
class Model:
    """A model and how it is asked.

    Attributes:
        name: as its server knows it.
        base_url: of an OpenAI-compatible server, such as http://localhost:11434/v1.
        weight: its share among several models.
        temperature: None for the server's own. Small models repeat themselves below 1, and
            models that reason take no other.
        max_tokens: most tokens of an answer, its reasoning included.
        reasoning_effort: as the server takes it; None to say nothing.
        extra_body: further fields of each request.
        usd_per_million_in, usd_per_million_out: prices of tokens; None if not known.
        api_key_env: the environment variable that holds the key.
    """

    name: str
    base_url: str = OPENAI
    weight: float = 1.0
    temperature: float | None = 1.0
    max_tokens: int = 2000
    reasoning_effort: str | None = None
    extra_body: Mapping[str, object] = field(default_factory=dict)
    usd_per_million_in: float | None = None
    usd_per_million_out: float | None = None
    api_key_env: str = "OPENAI_API_KEY"

    @property
    def is_local(self) -> bool:
        """Whether its server is this machine, or one of the house."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host == "localhost" or host.endswith((".localhost", ".local"))
        return address.is_loopback or address.is_private

    @property
    def is_priced(self) -> bool:
        """Whether its dollars can be counted: it is local, or its prices are known."""
        priced = self.usd_per_million_in is not None and self.usd_per_million_out is not None
        return self.is_local or priced

    @property
    def label(self) -> str:
        """Its name as it stands in the name of an arm."""
        short = self.name.rsplit("/", 1)[-1].removesuffix(".gguf")
        return re.sub(r"[^A-Za-z0-9._-]+", "-", short) or UNNAMED

    def usd(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost; 0 where no price is known."""
        dollars = tokens_in * (self.usd_per_million_in or 0.0)
        dollars += tokens_out * (self.usd_per_million_out or 0.0)
        return dollars / MILLION


def environment(folder: Path | None = None) -> dict[str, str]:
    """The variables a model may be named by: of the process, else of a `.env` file.

    Args:
        folder: where a `.env` is looked for after the current folder; the variable
            `EVOLVE_DOTENV` names another file instead of both.
    """
    from dotenv import dotenv_values

    named = os.environ.get("EVOLVE_DOTENV")
    places = [folder / ".env"] if folder is not None else []
    found: dict[str, str] = {}
    for path in [Path(named)] if named else [*places, Path(".env")]:
        if path.is_file():
            values = dotenv_values(path, interpolate=False)
            found.update({name: value for name, value in values.items() if value})
    return found | {name: value for name, value in os.environ.items() if value}


def read_model(variables: Mapping[str, str]) -> Model | None:
    """The model that the environment names; None if it names none."""
    if not any(variables.get(name) for name in VARIABLES):
        return None
    base_url = variables.get("OPENAI_BASE_URL", OPENAI).rstrip("/")
    default = "gpt-5-mini" if base_url == OPENAI else UNNAMED
    return Model(variables.get("OPENAI_MODEL", default), base_url)
