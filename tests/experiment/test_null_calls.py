"""Calls of null searches: a search that is repeated answers from its journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from evolve.errors import EvolveError
from evolve.experiment.model_proposer import open_proposer
from evolve.experiment.models import load_model_set
from evolve.experiment.null_models import NullModels, UnansweredError
from evolve.experiment.observer import Observer
from evolve.experiment.plan import LoadedData, Plan, build_problem, read_plan
from evolve.experiment.recorded_models import EVENT
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.searched_run import SearchedRun
from evolve.notices import NoticeList
from evolve.search.history import SearchHistory
from evolve.search.progress import Progress
from evolve.stop import Stop
from evolve.store import RunFolder
from evolve.store.calls import read_recording
from evolve.store.journal import read_event
from evolve.validation.null_search import NullResult, NullSearcher
from tests.experiment.test_models import IDEAS, QUICK, settings_for
from tests.llm.scripted import Answer, Script, Scripted, fail, say, serving

TRIALS = 150
MORE = (
    "data.from=synthetic:walk?seed=2&bars=700", f"budget.evaluations={TRIALS}",
    "budget.llm_calls=4", "validate.null_llm=ask", "validate.null_runs=19",
    "llm.repair=false",
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("own_home")


@dataclass
class Opened:
    """Run folder with the models of a run, and its null searches."""

    plan: Plan
    data: LoadedData
    folder: RunFolder
    server: Scripted

    def search(self, epochs: int = 1000) -> NullResult | None:
        """Run null search 3, for some epochs at most."""
        searched = SearchedRun(
            self.plan, self.data, load_model_set(self.plan), _NOTHING, (), SearchHistory()
        )
        left = [epochs]

        def stop() -> bool:
            left[0] -= 1
            return left[0] < 0

        models = NullModels(searched, self.folder, Stop())
        problem = build_problem(self.plan, self.data)
        return NullSearcher(problem, stop, models.open).run(3, TRIALS, None)

    @property
    def journal(self) -> Path:
        return self.folder.path / "null" / "3.sqlite"


_NOTHING = Progress(0, (), 0, None, (), {}, ())


@contextmanager
def opened(folder: Path, answers: Script | list[Answer]) -> Iterator[Opened]:
    with serving(answers) as server:
        server.documents["/props"] = {"default_generation_settings": {"n_ctx": 6000}}
        plan = read_plan(QUICK, settings_for(server.url, *MORE))
        data = plan.load(NoticeList())
        files = RunFolder.create("x", folder)
        with RunRecorder(Observer()) as recorder:
            recorder.open(files)
            with open_proposer(load_model_set(plan), plan, data, recorder, Stop()):
                assert not server.bodies
        yield Opened(plan, data, files, server)


def respond(body: dict[str, Any]) -> Answer:
    """Return an answer that depends on the prompt alone."""
    return say(IDEAS[crc32(json.dumps(body["messages"]).encode()) % 4])


def count_answered(journal: Path) -> int:
    return sum(bool(each.exchanges) for each in read_recording(journal).values())


def test_a_repeated_null_search_asks_no_model_again(tmp_path: Path) -> None:
    with opened(tmp_path / "run", respond) as run:
        first = run.search()
        calls = len(run.server.bodies)
        assert first is not None and first.evaluated == TRIALS
        assert count_answered(run.journal) == calls >= 3
        run.server.documents["/props"] = {"default_generation_settings": {"n_ctx": 2048}}
        assert run.search() == first
        assert len(run.server.bodies) == calls
    with opened(tmp_path / "killed", respond) as killed:
        assert killed.search(epochs=1) is None
        asked, answered = len(killed.server.bodies), count_answered(killed.journal)
        assert 1 <= answered < calls
        assert killed.search() == first
        assert len(killed.server.bodies) - asked == calls - answered


def test_a_null_search_that_failed_repeats_the_calls_that_failed(tmp_path: Path) -> None:
    answers = [say(IDEAS[0]), fail(401), *[say(each) for each in IDEAS[1:]]]
    with opened(tmp_path / "run", answers) as run:
        with pytest.raises(UnansweredError):
            run.search()
        recorded = read_recording(run.journal)
        failed = [number for number, each in recorded.items() if each.has_failed]
        assert failed
        asked = len(run.server.bodies)
        assert run.search() is not None
        recorded = read_recording(run.journal)
        assert not any(each.has_failed for each in recorded.values())
        assert len(run.server.bodies) - asked <= len(recorded) - failed[0] + 1


def test_a_run_that_goes_on_has_the_models_with_which_it_began(tmp_path: Path) -> None:
    with opened(tmp_path / "run", respond) as run:
        journal = run.folder.journal
        recorded = read_event(journal, EVENT)
    with serving(respond) as moved:
        plan = read_plan(QUICK, settings_for(moved.url, *MORE))
        models = load_model_set(plan, journal)
        assert models.is_resumed
        assert models.models["tiny"].context_tokens == 6000
        assert models.models["tiny"].base_url == moved.url
        assert models.record()["models"]["tiny"] == {  # type: ignore[index]
            **recorded["models"]["tiny"], "base_url": moved.url,
        }  # fmt: skip
        off = read_plan(QUICK, [*MORE, "llm.models=[]"])
        with pytest.raises(EvolveError, match="began with a model, but none is configured"):
            load_model_set(off, journal)
        replay = read_plan(QUICK, [*MORE, f"llm.replay={run.folder.path}"])
        assert load_model_set(replay, journal).is_resumed
        assert not load_model_set(replay).is_resumed
        without = RunFolder.create("y", tmp_path / "without")
        with RunRecorder(Observer()) as recorder:
            recorder.open(without)
        assert not load_model_set(plan, without.journal)
