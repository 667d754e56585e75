"""Resumption of a run: it goes on from its last checkpoint, as if it had never been interrupted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from dsl.analysis.check import check
from dsl.diagnostics import LanguageError
from evolve.config import Experiment
from evolve.config.load import to_yaml
from evolve.errors import EvolveError
from evolve.experiment.changes import FIXED, FREE, Change, list_changes, list_setting_changes
from evolve.experiment.execute import execute
from evolve.experiment.models import load_model_set
from evolve.experiment.observer import Observer
from evolve.experiment.prepared_run import PreparedRun, announce
from evolve.experiment.recorder import RunRecorder
from evolve.experiment.result import Run, versions
from evolve.experiment.result_reader import read_result
from evolve.experiment.saved_run import SavedRun, read_saved_run
from evolve.files import remove_partial_files
from evolve.fitness.fitness import Scores
from evolve.llm.transport.address import mask_user_info
from evolve.search.checkpoint import Checkpoint
from evolve.search.individual import Fitness, Individual
from evolve.stop import Stop
from evolve.store import REPORT, RESULT, Journal, RunFolder
from evolve.store.checkpoints import FIRST_EPOCH
from evolve.store.checkpoints import Checkpoint as StoredCheckpoint
from evolve.store.files import EXPERIMENT, format_command
from evolve.store.journal import read_event
from evolve.store.lock import hold_lock

LANGUAGE, EVALUATIONS, CALLS = "language", "budget.evaluations", "budget.llm_"
STOP = "budget.stop"
LIMITS = {
    "luck": STOP, "evaluations": EVALUATIONS, "improvement": "budget.stale_epochs",
    "minutes": "budget.minutes", "proposals": CALLS,
}  # fmt: skip
"""Beginning of the names of the settings that ended a run, by a word of the reason."""
SEARCH_LIMITS = (EVALUATIONS, "budget.stale_epochs")  # those of each repeated search
SCHEDULE_FREE = ("budget.minutes", "budget.stale_epochs")  # they change no time of a call


def resume(
    folder: Path,
    overrides: Sequence[str] = (),
    accepts_changes: bool = False,
    observer: Observer | None = None,
    stop: Stop | None = None,
    report: Callable[[Path], object] | None = None,
) -> Run:
    """Continue a run that was interrupted, or a finished one with a larger budget.

    The result is that of a run that was never interrupted. The bars and inputs are those of the
    run folder; a model is not asked again for an answer that the journal has.

    Args:
        folder: the run folder.
        overrides: settings `a.b=value` that replace those of the run: of `budget` and `workers`.
        accepts_changes: whether other settings and versions may differ, too.
        observer: receives the events of the run.
        stop: once set, ends the search after the current epoch.
        report: writes the report of the run folder, after everything else; None for no report.

    Raises:
        EvolveError, LanguageError: if another process uses the folder, if a file is damaged, or if
            the run is finished or has changes that are not accepted.
    """
    files = RunFolder(folder)
    with ExitStack() as stack:
        if files.journal.is_file():
            stack.enter_context(hold_lock(folder))
        saved = read_saved_run(files, overrides)
        changes = list_setting_changes(saved.before, saved.plan.experiment)
        _check_changes(saved, changes, accepts_changes)
        _check_unfinished(saved, changes)
        journal = stack.enter_context(closing(Journal(files.journal)))
        stored = _choose_checkpoint(journal, saved, changes)
        is_begun = stored.epoch != FIRST_EPOCH
        models = load_model_set(saved.plan, files.journal if is_begun else None)
        checkpoint = _build_checkpoint(journal, stored, saved.plan.experiment)
        recorder = stack.enter_context(RunRecorder(observer or Observer()))
        announce(saved.plan, saved.data, models, recorder)
        accepted = [each.text for each in changes if not each.is_in(FREE)]
        command = mask_user_info(format_command("resume", folder, *_list_options(overrides)))
        described = {each.name: [each.before, each.after] for each in changes}
        if changes:  # first, so that after a kill the next process goes on with them
            files.write_text(EXPERIMENT, to_yaml(saved.plan.experiment))
        journal.roll_back(stored)
        if any(each.is_in(SEARCH_LIMITS) for each in changes):
            journal.jobs.clear()
        journal.record_resume(command, versions(), described)
        remove_partial_files(folder)
        files.set_aside_results()
        recorder.open(files, journal)
        if models and is_begun:
            for text in _list_differences(saved, changes):
                recorder.notice(text)
        recorder.observer.resumed(stored.trials, saved.plan.experiment.budget.evaluations)
        earlier = [each.text for each in _list_accepted(saved)]
        prepared = PreparedRun(
            saved.plan, saved.data, models, files, checkpoint,
            tuple(dict.fromkeys([*earlier, *accepted])),
        )  # fmt: skip
        return execute(prepared, recorder, stop or Stop(), report)


def _check_changes(saved: SavedRun, changes: Sequence[Change], accepts_changes: bool) -> None:
    """Raise EvolveError for a change that is impossible, or that is not accepted."""
    restore = f"restore {EXPERIMENT} in the folder, or " if saved.is_edited else ""
    fixed = [each.text for each in changes if each.is_in(FIXED)]
    if fixed:
        hint = f"{restore}run the experiment again with other settings"
        raise EvolveError(f"{saved.folder.path}: cannot change {'; '.join(fixed)}", hint)
    versions_now = versions()
    others = [each for each in changes if not each.is_in(FREE)]
    others += list_changes(saved.begin.versions, versions_now)
    language = [each for each in others if each.name == LANGUAGE and each.after is not None]
    if saved.begin.versions.get(LANGUAGE) != versions_now[LANGUAGE]:
        found = next(each.text for each in language)
        hint = "use the release that began the run, or run the experiment again"
        raise EvolveError(f"{saved.folder.path}: the {found} changed the meaning of programs", hint)
    if others and not accepts_changes:
        raise EvolveError(
            f"{saved.folder.path}: the run would go on with changes: "
            f"{'; '.join(each.text for each in others)}",
            f"{restore}accept them, which the journal records: --accept-changes",
        )


def _check_unfinished(saved: SavedRun, changes: Sequence[Change]) -> None:
    """Raise EvolveError if a run is finished, and no change raises the limit that ended it."""
    finished = read_event(saved.folder.journal, "finished")
    if not finished or (not changes and not _is_reported(saved.folder.path)):
        return
    reason = str(finished["reason"])
    limit = next((name for word, name in LIMITS.items() if word in reason), "")
    if any(each.name.startswith(limit) or not each.is_in(FREE) for each in changes):
        return
    if limit == CALLS:
        calls = 2 * saved.before.budget.llm_calls
        raise EvolveError(
            f"the run in {saved.folder.path} ended with {reason}",
            "to ask the models again, raise the limit on calls, tokens or dollars that it "
            f"reached, such as --set budget.llm_calls={calls}",
        )
    if limit in ("", EVALUATIONS):
        evaluations = 2 * saved.before.budget.evaluations
        hint = f"to go on with a larger budget: --set {EVALUATIONS}={evaluations}"
        raise EvolveError(f"the run in {saved.folder.path} is finished", hint)
    change = "leave that condition out" if limit == STOP else "raise that limit"
    hint = f"to go on, {change}: --set {limit}=null"
    raise EvolveError(f"the run in {saved.folder.path} ended with {reason}", hint)


def _is_reported(folder: Path) -> bool:
    """Return whether a folder has a report and a result document with a verdict."""
    if not all((folder / name).exists() for name in (RESULT, REPORT)):
        return False
    document, _ = read_result(folder)
    return not document.unfinished


def _choose_checkpoint(
    journal: Journal, saved: SavedRun, changes: Sequence[Change]
) -> StoredCheckpoint:
    """Return the checkpoint from which a run goes on.

    It is the last one, unless the budget changes. With `budget.stop: luck` it is the first one
    then, which is before the search. Without it, it is the last migration that the smaller
    budget did not affect, so that the run equals one that had the new budget from the start. Nearly
    all trials after it are evaluated again; the ledger counts the run with the smaller budget, too.

    Raises:
        EvolveError: if the run has more trials than the new budget.
    """
    last, names = journal.read_checkpoint(), {each.name for each in changes}
    stops_at_luck = saved.plan.experiment.budget.stops_at_luck
    if EVALUATIONS not in names and not (stops_at_luck and STOP in names):
        return last
    settings, wanted = saved.before, saved.plan.experiment.budget.evaluations
    if wanted < last.trials:
        message = f"{saved.folder.path}: cannot end at {wanted:,} evaluations"
        raise EvolveError(message, f"the run has {last.trials:,}; set a larger {EVALUATIONS}")
    if stops_at_luck:  # its null searches are other ones, and could have ended it at any epoch
        return journal.read_checkpoint(FIRST_EPOCH)
    smaller = min(settings.budget.evaluations, wanted)
    islands, population = settings.search.islands, settings.search.population
    chosen = FIRST_EPOCH
    for name in journal.list_checkpoints():
        state = journal.read_checkpoint(name.epoch).state
        interval = state.get("interval")
        if interval is None:
            chosen = name.epoch
        left = interval["generations"] if interval else settings.search.generations_per_epoch
        if (smaller - name.trials) // islands < population * left:
            break
    return journal.read_checkpoint(chosen)


def _build_checkpoint(
    journal: Journal, stored: StoredCheckpoint, settings: Experiment
) -> Checkpoint | None:
    """Return the checkpoint of a search; None for its begin."""
    if stored.epoch == FIRST_EPOCH:
        return None
    index = journal.read_index(stored.trials)
    read = partial(_read_individuals, journal, settings.fitness.goals().weights)
    seconds = journal.read_last_event("epoch", stored)["seconds"]
    return Checkpoint(stored.epoch, stored.state, index, read, stored.seconds, seconds)


def _read_individuals(
    journal: Journal, weights: Sequence[float], numbers: Collection[int]
) -> Mapping[int, Individual]:
    """Read trials of a journal as individuals, by number.

    Raises:
        EvolveError: if a trial is missing or damaged.
    """
    found = {}
    for number, row in journal.read_trials(numbers).items():
        scores = Scores(row.scores, row.folds, row.trades, row.infeasible_reason)
        try:
            program = check(row.source)
        except LanguageError as error:
            raise EvolveError(f"trial {number} of the journal is damaged: {error}") from None
        found[number] = Individual(
            program, scores, Fitness(weights, scores.values), row.proposer, row.parents,
            row.island, row.epoch,
        )  # fmt: skip
    return found


def _list_accepted(saved: SavedRun) -> list[Change]:
    """Return the changes of settings that were accepted before and are not free."""
    changes = [
        Change(name, *values) for changes in saved.changes for name, values in changes.items()
    ]
    return [each for each in changes if not each.is_in(FREE)]


def _list_differences(saved: SavedRun, changes: Sequence[Change]) -> list[str]:
    """Return what differs from a run with models that had the new budget from the start."""
    names = [*(name for each in saved.changes for name in each), *(each.name for each in changes)]
    if not any(name.startswith("budget.") and name not in SCHEDULE_FREE for name in names):
        return []
    return [
        "the budget changed after models were asked, and it sets when they are asked: "
        "the run may differ from one that had this budget from the start"
    ]


def _list_options(overrides: Sequence[str]) -> list[str]:
    return [word for each in overrides for word in ("--set", each)]
