"""Times of the language: parsing and checking a strategy and a large file, and constraints.

The strategies are random ones of about 40 nodes, in the standard format. Each figure is the minimum
of several rounds, because other work on the machine can only increase it.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from random import Random

from report import report

from dsl.analysis.check import check, check_file
from dsl.analysis.program import Program
from dsl.generate.gbnf import gbnf_text
from dsl.generate.grammar import constraint_grammar
from dsl.generate.json_schema import json_schema
from dsl.generate.lark import lark_text
from dsl.printing.decompile import format_program
from dsl.syntax.parser import parse
from evolve.search.grow import grow_rules
from evolve.search.space import build_space

NODES = range(36, 45)
STRATEGIES, ROUNDS, STEPS = 1000, 7, 3000
SPACE = build_space(directions=("long", "short"), max_nodes=80)


def strategies(rng: Random) -> list[str]:
    """Return the text of a thousand strategies of about 40 nodes."""
    texts: list[str] = []
    while len(texts) < STRATEGIES:
        program = Program(f"s{len(texts)}", grow_rules(SPACE, rng))
        if program.nodes in NODES:
            texts.append(format_program(program))
    return texts


def min_seconds(work: Callable[[], object]) -> float:
    """Return the time of the fastest of several rounds."""
    taken = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def step_microseconds(grammar: str) -> tuple[float, float]:
    """Return milliseconds to compile a grammar, and microseconds per decoded byte."""
    from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

    class Bytes:
        eos_token_id, bos_token_id, special_token_ids = 256, None, (256,)
        tokens = (*[bytes([value]) for value in range(256)], b"<end>")

        def __call__(self, text: str | bytes) -> list[int]:
            return list(text if isinstance(text, bytes) else text.encode())

    tokenizer = LLTokenizer(TokenizerWrapper(Bytes()))
    began = time.perf_counter()
    matcher = LLMatcher(tokenizer, grammar)
    compiled = time.perf_counter() - began
    rng, spent = Random(1), 0.0
    for _ in range(STEPS):
        if matcher.is_stopped():
            matcher.reset()
        began = time.perf_counter()
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        spent += time.perf_counter() - began
        matcher.consume_token(rng.choice([bit for bit in range(257) if mask >> bit & 1]))
    return 1e3 * compiled, 1e6 * spent / STEPS


def main() -> None:
    """Print the figures."""
    texts = strategies(Random(1))
    one = texts[0]
    check(one)
    file = "\n".join(texts)
    grammar = constraint_grammar(SPACE.productions, SPACE.directions, SPACE.max_nodes)
    lark = lark_text(grammar)
    compile_ms, step_us = step_microseconds(lark)
    report(
        "language",
        nodes=sum(check(text).nodes for text in texts) / len(texts),
        characters=len(file) // len(texts),
        parse_ms=round(1e3 * min_seconds(lambda: [parse(text) for text in texts]) / len(texts), 3),
        check_ms=round(1e3 * min_seconds(lambda: [check(text) for text in texts]) / len(texts), 3),
        check_file_of_1000_ms=round(1e3 * min_seconds(lambda: check_file(file))),
        constraint_lark_bytes=len(lark),
        constraint_gbnf_bytes=len(gbnf_text(grammar)),
        constraint_json_schema_bytes=len(json.dumps(json_schema(grammar))),
        constraint_compile_ms=round(compile_ms, 1),
        constraint_step_us=round(step_us, 1),
    )


if __name__ == "__main__":
    main()
