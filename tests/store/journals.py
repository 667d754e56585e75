"""Journals of made-up searches, without an evaluation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from evolve.fitness.fitness import Scores
from evolve.llm.transport.calls import Call
from evolve.llm.transport.exchange import Exchange
from evolve.search.individual import Fitness, Individual
from evolve.store import Journal
from tests.programs import random_programs


def draw_trials(count: int, epoch: int, rng: Random) -> list[Individual]:
    """Return individuals with random programs and scores."""
    programs = {each.hash: each for each in random_programs(count, rng)}
    return [_build_individual(each, epoch, rng) for each in programs.values()]


def write_journal(path: Path, epochs: int, per_epoch: int = 40) -> Journal:
    """Write a journal of a search with a model, and return it open.

    Its first half is in the file, and the rest in the write-ahead log.
    """
    rng, known = Random(1), set[str]()
    journal = Journal.create(path, [("begin", {"command": "evolve run x"})])
    for epoch in range(epochs):
        trials = [
            each for each in draw_trials(per_epoch, epoch, rng) if each.program.hash not in known
        ]
        known |= {each.program.hash for each in trials}
        journal.calls.record_call(Call(epoch, "propose", "m", (), epoch))
        journal.calls.record_response(epoch, (Exchange("propose", "m", "text", (), "x" * 600),))
        journal.calls.record_collected(epoch, epoch)
        journal.calls.record_proposal(epoch, "buy when close > open", "", "rejected", "a reason")
        state = {"rng": [rng.getrandbits(32) for _ in range(200)]}
        detail = {"evaluated": len(known), "best": 0.5, "stats": {}}
        journal.epoch(epoch, trials, state, 2.0 * epoch, **detail)
        if epoch == epochs // 2:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(3):
        journal.jobs.save("null", number, {"score": number / 7})
    return journal


def _build_individual(program: object, epoch: int, rng: Random) -> Individual:
    scores = Scores((round(rng.gauss(0, 1), 12), 9.0), (0.25, 0.75), rng.randrange(99))
    parents = tuple(f"{rng.getrandbits(128):032x}" for _ in range(rng.randrange(3)))
    fitness = Fitness((1.0, -1.0), scores.values)
    return Individual(program, scores, fitness, "point", parents, 0, epoch)  # type: ignore[arg-type]


def iterate_damages(content: bytes, count: int, rng: Random) -> Iterator[tuple[str, bytes]]:
    """Yield a name and the content of a file with a random part cut, overwritten or removed."""
    for _ in range(count):
        kind = rng.choice(["cut", "noise", "zeros", "page", "header"])
        start, size = rng.randrange(len(content)), int(2 ** rng.uniform(0, 16))
        if kind == "page":
            start, size = start // 4096 * 4096, 4096
        if kind == "header":
            start, size = rng.randrange(100), rng.randrange(1, 4096)
        end = min(start + size, len(content))
        middle = bytes(end - start) if kind == "zeros" else rng.randbytes(end - start)
        changed = content[:start] if kind == "cut" else content[:start] + middle + content[end:]
        yield f"{kind} {start}+{end - start}", changed
