"""Form of programs as JSON: their text, and the hash that it must have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.diagnostics import LanguageError
from dsl.printing.decompile import format_program


def encode_program(program: Program) -> dict[str, str]:
    """Return the text and the hash of a program."""
    return {"source": format_program(program), "hash": program.hash}


def decode_program(document: Any) -> Program:
    """Return the program that `encode_program` gave as text and hash.

    Raises:
        ValueError: if they do not belong together.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("source"), str):
        raise ValueError("expected the source and the hash of a program")
    try:
        program = check(document["source"])
    except LanguageError as error:
        raise ValueError(str(error)) from None
    if program.hash != document.get("hash"):
        raise ValueError("the source of a program has another hash")
    return program


ProgramText = Annotated[Program, PlainValidator(decode_program), PlainSerializer(encode_program)]
"""Program that is text and hash as JSON."""
