"""Kills of a search with models after any commit: it goes on equally, and pays no answer twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from evolve.backtest.market import market
from evolve.experiment.model_proposer import CallRecorder
from evolve.experiment.observer import Observer
from evolve.experiment.recorder import RunRecorder
from evolve.fitness.goals import FitnessSpec
from evolve.llm.model_set import LlmSettings, ModelSet
from evolve.llm.prompt.builder import PromptBuilder
from evolve.llm.prompt.composer import Composer
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.templates import list_tasks
from evolve.llm.proposer import ModelProposer
from evolve.llm.transport.calls import Calls, LiveCalls, RecordedCalls
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import LoopThread
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.resumed_calls import ResumedCalls
from evolve.llm.transport.server import Server
from evolve.llm.transport.usage import CallBudget, CallLimits
from evolve.search.checkpoint import Checkpoint, describe_state
from evolve.search.individual import Individual
from evolve.search.progress import Budget
from evolve.search.search import search
from evolve.stop import Stop
from evolve.store import JOURNAL, Journal, RunFolder
from evolve.store.calls import read_recording
from evolve.store.checkpoints import FIRST_EPOCH
from evolve.store.database import Database
from tests.llm.scripted import Answer, Scripted, say, serving
from tests.samples import random_bars
from tests.search.toy import toy_problem

EVALUATIONS, CALLS = 260, 7
PROBLEM = toy_problem(20, 2)
SETTINGS = LlmSettings(
    tasks=tuple(list_tasks()), evaluations=EVALUATIONS, wait_seconds=60.0, concurrency=2
)
PROMPTS = PromptBuilder(
    PROBLEM.space, FitnessSpec(), Profiler(random_bars(1, 300), market()), SETTINGS
)
FREE = Constraint("", "", {})
ROWS = {
    "trials": "SELECT * FROM trials ORDER BY trial",
    "calls": "SELECT number, kind, digest, asked_epoch, collected_epoch FROM calls ORDER BY number",
    "exchanges": "SELECT call, text, error FROM exchanges ORDER BY call",
    "proposals": "SELECT * FROM proposals ORDER BY id",
    "events": "SELECT kind, json_remove(detail, '$.seconds') FROM events ORDER BY id",
    "checkpoints": "SELECT epoch, trials, last_proposal, json_remove(state, '$.seconds') "
                   "FROM checkpoints ORDER BY epoch",
}  # fmt: skip


def respond(body: dict[str, Any]) -> Answer:
    """Return a strategy that depends on the prompt alone; one in four is unreadable."""
    number = crc32(json.dumps(body["messages"]).encode())
    name = "smaa" if number % 4 == 1 else "sma"
    return say(f"strategy s {{ buy when close > {name}(close, {10 + number % 90}) }}")


OpenCalls = Callable[[LiveCalls, CallRecorder, CallBudget], Calls]


def resume_calls(live: LiveCalls, recorder: CallRecorder, budget: CallBudget) -> Calls:
    return ResumedCalls(recorder.read_calls(), live, recorder, budget)


@dataclass
class Killed:
    """Journals that a kill after each commit leaves.

    Attributes:
        folder: where they are, each in its folder.
        paths: the journals in order.
    """

    folder: Path
    paths: list[Path] = field(default_factory=list)

    @contextmanager
    def copying(self) -> Iterator[None]:
        """Copy each journal after each commit of the block."""
        write = Database.write

        @contextmanager
        def write_and_copy(database: Database) -> Iterator[sqlite3.Connection]:
            with database._lock:
                with write(database) as connection:
                    yield connection
                self._copy(database._connection)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Database, "write", write_and_copy)
            yield

    def _copy(self, connection: sqlite3.Connection) -> None:
        path = self.folder / str(len(self.paths)) / JOURNAL
        path.parent.mkdir(parents=True)
        with closing(sqlite3.connect(path)) as copy:
            connection.backup(copy)
        self.paths.append(path)


def run_search(
    server: Scripted, folder: Path, known: Sequence[Individual] = (),
    open_calls: OpenCalls = resume_calls, evaluations: int = EVALUATIONS, calls: int = CALLS,
) -> list[Individual]:  # fmt: skip
    """Run a search in a folder, or go on from the last checkpoint of its journal.

    Args:
        server: the server of the model.
        folder: the folder.
        known: all trials of the search, which a checkpoint refers to.
        open_calls: returns the calls from those of the server, and the recorder.
        evaluations, calls: the budget.

    Returns:
        The new trials.
    """
    trials: list[Individual] = []
    journal, checkpoint = None, None
    if (folder / JOURNAL).exists():
        journal = Journal(folder / JOURNAL)
        checkpoint = restore(journal, known)
    folder.mkdir(parents=True, exist_ok=True)
    with RunRecorder(Observer()) as recorder, closing(LoopThread(2)) as loop:
        recorder.open(RunFolder(folder), journal)
        connection = Server(Model("m", server.url), None, 30.0)
        loop.close_later(connection.close)
        client = Client(connection, "text", "", {}, recorder)
        live = LiveCalls(loop, {"m": client}, FREE, recorder, Stop())
        settings = replace(SETTINGS, evaluations=evaluations)
        composer = Composer(ModelSet({"m": client.model}, settings), PROMPTS, 1)
        budget = CallBudget(CallLimits(calls))
        proposer = ModelProposer(composer, open_calls(live, recorder, budget), budget, recorder)
        recorder.start_search()
        for progress in search(
            PROBLEM, Budget(evaluations), external=proposer, resume_from=checkpoint
        ):
            if checkpoint is None or progress.epoch > checkpoint.epoch:
                recorder.progress(progress, describe_state(progress))
                trials.extend(progress.trials)
    return trials


def restore(journal: Journal, trials: Sequence[Individual]) -> Checkpoint | None:
    """Return the last checkpoint of a journal, which is rolled back; None at its beginning."""
    saved = journal.read_checkpoint()
    journal.roll_back(saved)
    if saved.epoch == FIRST_EPOCH:
        return None
    index = journal.read_index(saved.trials)
    return Checkpoint(
        saved.epoch, saved.state, index, lambda numbers: dict(enumerate(trials, start=1))
    )


def read_rows(journal: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(journal)) as connection:
        return {name: connection.execute(query).fetchall() for name, query in ROWS.items()}


def count_answered(journal: Path) -> int:
    """Return the number of calls whose answer is recorded."""
    with closing(sqlite3.connect(journal)) as connection:
        query = "SELECT COUNT(DISTINCT call) FROM exchanges"
        (count,) = connection.execute(query).fetchone()
        return int(count)


@dataclass
class Whole:
    """A search that is never interrupted, with the journals of all kills."""

    server: Scripted
    journal: Path
    trials: list[Individual]
    killed: Killed

    def go_on(self, journal: Path) -> int:
        """Go on with a search that was killed; return the number of requests."""
        before = len(self.server.bodies)
        run_search(self.server, journal.parent, self.trials)
        assert read_rows(journal) == read_rows(self.journal)
        return len(self.server.bodies) - before


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole")
    killed = Killed(folder / "killed")
    with serving(respond) as server:
        with killed.copying():
            trials = run_search(server, folder / "run")
        yield Whole(server, folder / "run" / JOURNAL, trials, killed)


def test_the_search_has_repairs_and_all_kinds_of_commits(whole: Whole) -> None:
    rows = read_rows(whole.journal)
    assert {kind for _, kind, *_ in rows["calls"]} == {"propose", "repair"}
    assert len(rows["calls"]) == len(rows["exchanges"]) == len(whole.server.bodies) == CALLS
    assert len(whole.killed.paths) == sum(
        [len(rows["checkpoints"]), 3 * CALLS, len(rows["proposals"])]
    )


def assert_goes_on(whole: Whole, journal: Path) -> None:
    answered = count_answered(journal)
    assert whole.go_on(journal) == CALLS - answered


@pytest.mark.parametrize("share", [0.1, 0.5, 0.75])
def test_a_killed_search_goes_on_equally_and_pays_no_answer_twice(
    whole: Whole, share: float
) -> None:
    assert_goes_on(whole, whole.killed.paths[int(share * len(whole.killed.paths))])


@pytest.mark.slow
def test_a_search_that_is_killed_after_any_commit_goes_on_equally(whole: Whole) -> None:
    for journal in whole.killed.paths:
        if count_answered(journal) < CALLS or read_rows(journal) != read_rows(whole.journal):
            assert_goes_on(whole, journal)


@pytest.mark.slow
def test_a_search_that_is_killed_again_goes_on_equally(whole: Whole, tmp_path: Path) -> None:
    again = Killed(tmp_path / "again")
    first = tmp_path / "first" / JOURNAL
    first.parent.mkdir()
    shutil.copy(whole.killed.paths[len(whole.killed.paths) // 2], first)
    with again.copying():
        run_search(whole.server, first.parent, whole.trials)
    for journal in again.paths:
        assert_goes_on(whole, journal)


@pytest.mark.parametrize(("calls", "further"), [(CALLS, 0), (CALLS + 3, 3)])
def test_a_search_whose_calls_were_spent_asks_again_with_more(
    whole: Whole, tmp_path: Path, calls: int, further: int
) -> None:
    journal = tmp_path / JOURNAL
    shutil.copy(whole.journal, journal)
    before = len(whole.server.bodies)
    run_search(whole.server, tmp_path, whole.trials, evaluations=2 * EVALUATIONS, calls=calls)
    assert len(whole.server.bodies) - before == further
    assert count_answered(journal) == calls


def test_a_search_that_went_on_can_be_replayed(whole: Whole, tmp_path: Path) -> None:
    killed = tmp_path / "killed" / JOURNAL
    killed.parent.mkdir()
    shutil.copy(whole.killed.paths[len(whole.killed.paths) // 3], killed)
    run_search(whole.server, killed.parent, whole.trials)
    requests = len(whole.server.bodies)

    def replay(live: LiveCalls, recorder: CallRecorder, budget: CallBudget) -> Calls:
        return RecordedCalls(read_recording(killed), "killed", recorder)

    copies = Killed(tmp_path / "copies")
    with copies.copying():
        run_search(whole.server, tmp_path / "replay", (), replay)
    assert read_rows(tmp_path / "replay" / JOURNAL) == read_rows(whole.journal)
    middle = copies.paths[len(copies.paths) // 2]
    run_search(whole.server, middle.parent, whole.trials, replay)
    assert read_rows(middle) == read_rows(whole.journal)
    assert len(whole.server.bodies) == requests
