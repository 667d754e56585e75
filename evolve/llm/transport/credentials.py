"""Keys of models: which key goes to which server.

A key goes to an address from the same place, so that nobody else's file can collect it:

| address                        | OPENAI_API_KEY          | another key in `api_key_env` |
|--------------------------------|-------------------------|------------------------------|
| https://api.openai.com         | goes                    | goes                         |
| named where the key is set     | goes                    | goes                         |
| named by the experiment        | is left out             | goes, and is reported        |
| named elsewhere                | is left out             | is left out                  |
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from evolve.llm.transport.address import format_host, parse_origin, strip_user_info
from evolve.llm.transport.environment import OPENAI_KEY, PROCESS, Environment
from evolve.llm.transport.model import OPENAI, Model, read_address

EXPERIMENT = "the experiment"  # the source of an address that its file names


@dataclass(frozen=True)
class KeyDecision:
    """Decision about the key of a model.

    Attributes:
        variable: the environment variable of the key.
        host: the server of the model.
        key: the key to send; empty to send none.
        text: the decision in words; empty if there is no key.
    """

    variable: str
    host: str
    key: str = field(default="", repr=False)
    text: str = ""


def place_model(model: Model, environment: Environment, is_on_command_line: bool) -> Model:
    """Return a model of an experiment with the source of its address, and without a password in it.

    Args:
        model: the model; its address is empty if the experiment names none.
        environment: the variables, which may name the same address.
        is_on_command_line: whether the command line names the model.
    """
    here = read_address(environment)
    if not model.base_url:
        return replace(
            model, base_url=here.base_url, user_info=here.user_info, named_by=here.named_by
        )
    url, user_info = strip_user_info(model.base_url)
    if parse_origin(url) == parse_origin(here.base_url):
        user_info = user_info or here.user_info
        return replace(model, base_url=url, user_info=user_info, named_by=here.named_by)
    named_by = PROCESS if is_on_command_line else EXPERIMENT
    return replace(model, base_url=url, user_info=user_info, named_by=named_by)


def decide_key(model: Model, environment: Environment) -> KeyDecision:
    """Decide whether the key of a model may go to its server."""
    name, host = model.api_key_env, format_host(model.base_url)
    variable = environment.find(name)
    key = variable.value.strip() if variable else ""
    if variable is None or not key:
        return KeyDecision(name, host)
    if is_openai(model) or model.named_by == variable.source:
        return KeyDecision(name, host, key, f"key {name} goes to {host}")
    if model.named_by == EXPERIMENT and name != OPENAI_KEY:
        return KeyDecision(name, host, key, f"key {name} goes to {host}, as {EXPERIMENT} requests")
    text = (
        f"key {name} is left out of requests to {host}: the key is set in {variable.source}, the "
        f"address in {model.named_by}"
    )
    remedy = (
        "; if the server needs a key, set `api_key_env` of the model to a variable of its own"
        if model.named_by == EXPERIMENT
        else "; if the server needs the key, set both in the same place"
    )
    return KeyDecision(name, host, text=text + remedy)


def is_openai(model: Model) -> bool:
    """Return whether a model is at the default address."""
    return parse_origin(model.base_url) == parse_origin(OPENAI)


def is_trusted(model: Model) -> bool:
    """Return whether a server may get the account of the process's environment at OpenAI."""
    return is_openai(model) or model.named_by == PROCESS
