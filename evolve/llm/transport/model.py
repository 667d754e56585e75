"""Models on servers, and the model that the environment configures."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from urllib.parse import urlsplit

from evolve.llm.transport.address import strip_user_info
from evolve.llm.transport.environment import OPENAI_KEY, OPENAI_MODEL, OPENAI_URL, Environment

OPENAI = "https://api.openai.com/v1"
UNNAMED = "default"  # accepted by servers of a single model
MILLION = 1e6
UNRECORDED = ("user_info", "named_by")
VARIABLES = (OPENAI_KEY, OPENAI_URL, OPENAI_MODEL)


@dataclass(frozen=True)
class Model:
    """A model and its request parameters.

    Attributes:
        name: its name on the server.
        base_url: the address of an OpenAI-compatible server, such as http://localhost:11434/v1.
        weight: its relative share of the calls.
        temperature: None for the server's default. Small models repeat themselves below 1, and
            reasoning models accept no other value.
        max_tokens: the maximum length of an answer with its reasoning, in tokens.
        reasoning_effort: a value that the server accepts; None to omit it.
        extra_body: further fields of each request.
        usd_per_million_in, usd_per_million_out: token prices in USD; None if unknown.
        api_key_env: the environment variable of the API key.
        knowledge_cutoff: ISO date of its newest training data; empty if unknown.
        user_info: `user:password` of the address, which `base_url` omits.
        named_by: the source of the address; empty for the default address.
        context_tokens: the maximum length of prompt and answer together; None if unknown.
        context_source: where the context was found; empty if unknown.
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
    api_key_env: str = OPENAI_KEY
    knowledge_cutoff: str = ""
    user_info: str = field(default="", repr=False)
    named_by: str = ""
    context_tokens: int | None = None
    context_source: str = ""

    @property
    def is_local(self) -> bool:
        """Whether its server is this machine or in a private network."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host == "localhost" or host.endswith((".localhost", ".local"))
        return address.is_loopback or address.is_private

    @property
    def is_priced(self) -> bool:
        """Whether its cost is known: it is local, or its prices are set."""
        priced = self.usd_per_million_in is not None and self.usd_per_million_out is not None
        return self.is_local or priced

    @property
    def label(self) -> str:
        """Short name, for arms and messages."""
        short = self.name.rsplit("/", 1)[-1].removesuffix(".gguf")
        return re.sub(r"[^A-Za-z0-9._-]+", "-", short) or UNNAMED

    def record(self) -> dict[str, object]:
        """Return the fields that a replay needs, without credentials."""
        return {name: value for name, value in asdict(self).items() if name not in UNRECORDED}

    def usd(self, tokens_in: int, tokens_out: int) -> float:
        """Return the cost of tokens in USD; 0 if the price is unknown."""
        dollars = tokens_in * (self.usd_per_million_in or 0.0)
        dollars += tokens_out * (self.usd_per_million_out or 0.0)
        return dollars / MILLION


def read_model(environment: Environment) -> Model | None:
    """Return the model that the environment configures; None if it configures none."""
    if not any(environment.get(name) for name in VARIABLES):
        return None
    here = read_address(environment)
    default = "gpt-5-mini" if here.base_url == OPENAI else UNNAMED
    return replace(here, name=environment.get(OPENAI_MODEL) or default)


def read_address(environment: Environment) -> Model:
    """Return a model without a name at the address that the environment names."""
    variable = environment.find(OPENAI_URL)
    if variable is None:
        return Model("", OPENAI)
    url, user_info = strip_user_info(variable.value.strip().rstrip("/"))
    return Model("", url, user_info=user_info, named_by=variable.source)
