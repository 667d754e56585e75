"""The models of an experiment, ready to be asked: from its settings and the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from dsl.generate.gbnf import gbnf_text
from dsl.generate.json_schema import json_schema
from dsl.generate.lark import lark_text
from dsl.generate.rules import Grammar
from dsl.names import unique_name
from evolve.config import Experiment
from evolve.errors import EvolveError
from evolve.experiment.plan import Words, resolved
from evolve.llm.prompt.builder import Briefing
from evolve.llm.prompt.composer import Mode, Terms
from evolve.llm.prompt.learnings import merger_schema
from evolve.llm.proposer import Minutes, ModelAdviser
from evolve.llm.transport.calls import Correspondence, Live, Replay, Secretary
from evolve.llm.transport.client import Client
from evolve.llm.transport.event_loop import Desk
from evolve.llm.transport.model import OPENAI, UNNAMED, Model, environment, model_of_environment
from evolve.llm.transport.reply import ModelError
from evolve.llm.transport.request_formats import Constraint
from evolve.llm.transport.server import Server
from evolve.llm.transport.usage import Caps, Ledger
from evolve.store.calls import read_event, read_recording
from evolve.store.folder import JOURNAL

LOCAL_CALLS, REMOTE_CALLS = 1, 4  # at once
LIST_SECONDS = 5.0
OPENINGS = {"grammar": "strategy ", "json_schema": "{"}  # how a kept constraint begins
FREE = Constraint("", "", {})
EVENT = "models"  # in the journal


@dataclass(frozen=True)
class Panel:
    """The models that are asked.

    Attributes:
        models: by label; none if nobody is asked.
        why_none: what to do about it.
        mode: beside genetic programming, or alone.
        concurrency: calls at once.
        recording: the journal that answers in their place; None for their servers.
        variables: of the environment, where the keys are.
    """

    models: Mapping[str, Model] = field(default_factory=dict)
    why_none: str = ""
    mode: Mode = "mix"
    concurrency: int = 1
    recording: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.models)

    def record(self) -> dict[str, object]:
        """What a replay needs to know of it; no key is among it."""
        models = {label: asdict(each) for label, each in self.models.items()}
        return {"models": models, "mode": self.mode, "concurrency": self.concurrency}


def panel_of(settings: Experiment, folder: Path) -> Panel:
    """The models of an experiment.

    Args:
        settings: the experiment.
        folder: of its YAML, which paths in it start from.

    Raises:
        EvolveError: if it asks for models alone and there is none, for dollars of a model without
            a price, or for a recording that cannot be read.
    """
    llm = settings.llm
    mode: Mode = "only" if llm.mode == "only" else "mix"
    if llm.mode == "off":
        return Panel(why_none="`llm.mode` is off")
    if mode == "mix" and not settings.search.asks_models:
        return Panel(why_none="`search.proposers` leaves llm out")
    if not settings.budget.llm_calls:
        if mode == "only":
            raise EvolveError("`llm.mode: only` needs calls, and `budget.llm_calls` is 0")
        return Panel(why_none="`budget.llm_calls` is 0")
    if llm.replay is not None:
        return _recorded_panel(resolved(llm.replay, folder) / JOURNAL)
    variables = environment(folder)
    models = models_of(settings, variables)
    if not models:
        why = "set OPENAI_BASE_URL (or OPENAI_API_KEY) to add one"
        if mode == "only":
            raise EvolveError("`llm.mode: only` needs a model, and there is none", why)
        return Panel(why_none=why)
    for model in models.values():
        if settings.budget.llm_usd is not None and not model.is_priced:
            raise EvolveError(
                f"`budget.llm_usd` cannot be kept: what {model.name} costs is not known",
                "give usd_per_million_in and usd_per_million_out beside its name in `llm.models`",
            )
    concurrency = llm.concurrency
    if not isinstance(concurrency, int):
        is_local = all(each.is_local for each in models.values())
        concurrency = LOCAL_CALLS if is_local else REMOTE_CALLS
    return Panel(models, "", mode, concurrency, None, variables)


def models_of(settings: Experiment | None, variables: Mapping[str, str]) -> dict[str, Model]:
    """The models that can be asked, by label: an experiment's, else the environment's.

    One of an experiment is left out if nothing says where it is: neither an address nor a key.
    """
    named = settings.llm.models if settings else []
    base_url = variables.get("OPENAI_BASE_URL", OPENAI).rstrip("/")
    chosen = [each.model(base_url) for each in named]
    if not chosen:
        model = model_of_environment(variables)
        chosen = [model] if model else []
    usable = [each for each in chosen if each.base_url != OPENAI or variables.get(each.api_key_env)]
    return labelled(usable)


def labelled(models: Sequence[Model]) -> dict[str, Model]:
    """Models by label; one whose label is taken gets a number."""
    found: dict[str, Model] = {}
    for each in models:
        found[unique_name(each.label, found.__contains__)] = each
    return found


def constraint_from(briefing: Briefing, grammar: Grammar) -> Constraint:
    """What an answer is held to, with the words that go with it."""
    return Constraint(
        lark_text(grammar), gbnf_text(grammar), json_schema(grammar),
        briefing.word("tool.md"), {"json_schema": briefing.word("json.md")},
    )  # fmt: skip


def clients_of(
    desk: Desk,
    models: Mapping[str, Model],
    briefing: Briefing,
    variables: Mapping[str, str],
    timeout_seconds: float = 300.0,
    constraint: str = "auto",
    notify: Callable[[str], None] = lambda _: None,
) -> dict[str, Client]:
    """A client for each model, by label; they are closed with the desk."""
    probe = briefing.word("probe.md")
    return {
        label: Client(
            server_of(desk, model, variables, timeout_seconds), constraint, probe, OPENINGS, notify
        )
        for label, model in models.items()
    }


def server_of(
    desk: Desk, model: Model, variables: Mapping[str, str], timeout_seconds: float
) -> Server:
    """The server of a model, closed with the desk."""
    server = Server(model, variables.get(model.api_key_env), timeout_seconds)
    desk.closes(server.close)
    return server


def named(
    desk: Desk, models: Mapping[str, Model], variables: Mapping[str, str]
) -> dict[str, Model]:
    """The models, one without a name given the name of the first that its server has."""
    found: list[Model] = []
    for model in models.values():
        if model.name == UNNAMED:
            server = server_of(desk, model, variables, LIST_SECONDS)
            try:
                names = desk.begin(server.models).result()
            except ModelError:
                names = []
            model = replace(model, name=names[0]) if names else model
        found.append(model)
    return labelled(found)


@contextmanager
def adviser_of(
    panel: Panel,
    settings: Experiment,
    words: Words,
    briefing: Briefing,
    grammar: Callable[[], Grammar],
    secretary: Secretary,
    minutes: Minutes,
    note: Callable[[str, dict[str, object]], None],
    notify: Callable[[str], None],
    is_interrupted: Callable[[], bool],
    waiting: Callable[[], None],
) -> Iterator[ModelAdviser]:
    """The adviser of a run, with its servers or its recording; let go of at the end.

    Args:
        panel: who is asked.
        settings, words: of the experiment.
        briefing: what it is told; grammar: makes what it is held to, where a server is asked.
        secretary, minutes: where calls and proposals are kept.
        note: keeps an event in the journal.
        notify: told what a person should know.
        is_interrupted: whether to wait no more.
        waiting: told when a wait begins to be felt, once.
    """
    limits, llm = settings.budget, settings.llm
    ledger = Ledger(Caps(limits.llm_calls, limits.llm_tokens, limits.llm_usd))
    variables = panel.variables
    with closing(Desk(panel.concurrency)) as desk:
        correspondence: Correspondence
        if panel.recording is not None:
            calls = read_recording(panel.recording)
            name = str(panel.recording.parent)
            correspondence = Replay(calls, secretary, name, notify)
        else:
            panel = replace(panel, models=named(desk, panel.models, variables))
            clients = clients_of(
                desk, panel.models, briefing, variables, llm.timeout_seconds, llm.constraint, notify
            )
            is_free = llm.constraint == "text"
            constraint = FREE if is_free else constraint_from(briefing, grammar())
            merger = Constraint("", "", merger_schema())
            correspondence = Live(
                desk, clients, constraint, merger, secretary, is_interrupted, waiting
            )
        note(EVENT, panel.record())
        adviser = ModelAdviser(
            terms_of(panel, settings, words), briefing, correspondence, ledger, minutes,
            settings.seed, words.learnings, notify,
        )  # fmt: skip
        try:
            yield adviser
        finally:
            adviser.close()


def terms_of(panel: Panel, settings: Experiment, words: Words) -> Terms:
    """How the models of an experiment take part."""
    llm = settings.llm
    return Terms(
        mode=panel.mode,
        models=panel.models,
        directions=words.directions,
        parents=llm.parents,
        examples=llm.examples,
        failures=llm.failures,
        concurrency=panel.concurrency,
        # Alone it is waited for; beside genetic programming the search goes on in time.
        wait_seconds=llm.timeout_seconds if panel.mode == "only" else llm.wait_seconds,
        repairs=llm.repair,
        learnings_tokens=llm.learnings_tokens,
        evaluations=settings.budget.evaluations,
    )


def _recorded_panel(journal: Path) -> Panel:
    record = read_event(journal, EVENT)
    if not record:
        hint = "replay a run in which a model was asked"
        raise EvolveError(f"no model was asked in {journal.parent}", hint)
    models = {label: Model(**each) for label, each in record["models"].items()}
    return Panel(models, "", record["mode"], record["concurrency"], journal)
