"""Confirmation of a step that cannot be undone."""

from __future__ import annotations

import sys

import click

from evolve.cli.output import echo
from evolve.errors import EvolveError


def confirm(question: str, refusal: str, hint: str) -> bool:
    """Ask a question on the terminal; return whether the answer is yes.

    Args:
        question: the question.
        refusal: what does not happen without an answer.
        hint: how to answer without a terminal.

    Raises:
        EvolveError: if nobody can answer.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        echo("", err=True)
        raise EvolveError(f"{refusal}: no answer", hint) from None
