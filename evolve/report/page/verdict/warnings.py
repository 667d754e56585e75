"""Warnings of a run: what its figures hide, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.printable import make_printable
from evolve.experiment.run_view import RunView
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.report.page.run_documents import read_data_document
from evolve.validation.holdout import MIN_TRADES

FEW_TRADES = 30  # on train; the usual minimum for a mean with a normal error
MAX_NOTICES = 20

SAME_CLOSE = (
    "Orders fill at the close of their own signal, which nobody can trade: real results are "
    "different, and usually worse."
)
JOURNAL = (
    "The journal is incomplete: figures that this page counts from trials and events miss the "
    "later ones."
)


def list_warnings(view: RunView) -> list[str]:
    """Return the warnings that apply to a run."""
    notices = list(dict.fromkeys(each.detail["text"] for each in view.rows.list_events("notice")))
    texts = [*_iterate_data(view, notices), *_iterate_tests(view)]
    texts += [make_printable(" ".join(each.split())) for each in notices[:MAX_NOTICES]]
    if len(notices) > MAX_NOTICES:
        texts.append(f"The journal has {len(notices) - MAX_NOTICES:,} more notices.")
    return texts


def _iterate_data(view: RunView, notices: list[str]) -> Iterator[str]:
    """Yield warnings of data and market; a notice that they replace is removed from `notices`."""
    data = read_data_document(view)
    if data.get("fallback_used"):
        origin = data["from"]
        name = ", ".join(origin) if isinstance(origin, list) else str(origin)
        replaced = f"{data.get('fallback_reason')}; using the fallback {name} instead"
        if replaced in notices:
            notices.remove(replaced)
        reason = data.get("fallback_reason")
        yield make_printable(
            f"The prices are those of the fallback {name}, so the verdict holds for them alone"
            f"{f' ({reason})' if reason else ''}."
        )
    for name in data.get("closes_only", ()):
        if not any(each.startswith(f"{name} has no traded opens") for each in notices):
            yield make_printable(
                f"{name} has no traded opens: its orders fill at closes, and stops are checked "
                "only there."
            )
    if not view.plan.experiment.backtest.market().is_executable:
        yield SAME_CLOSE


def _iterate_tests(view: RunView) -> Iterator[str]:
    """Yield warnings of the tests and of what they leave out."""
    yield from _iterate_few_trades(view)
    holdout = view.result.get("holdout")
    if view.is_holdout_open and isinstance(holdout, dict) and "test" in holdout:
        opening = holdout["test"]["opening"]
        if opening > 1:
            yield (
                f"REUSED: this is opening {opening} of the same unseen prices, and each further "
                "one is likelier to confirm luck."
            )
    models = sorted({split_arm(name)[0] for name in _list_proposers(view) if is_arm(name)})
    validation = view.plan.experiment.validation
    if models and validation.max_null_runs and validation.null_llm != "ask":
        yield make_printable(
            f"The searches on shuffled prices leave out {', '.join(models)}, so luck with a model "
            "may reach more than they show (`validate.null_llm: ask` asks it)."
        )
    evidence = view.document.validation if view.document else None
    for text in evidence.caveats if evidence else ():
        has_subject = text.startswith("It ")
        yield make_printable(f"The best strategy {text[3:]}" if has_subject else text)
    if view.document is not None and view.document.journal is not None:
        yield JOURNAL


def _iterate_few_trades(view: RunView) -> Iterator[str]:
    best = view.document.best if view.document else None
    for part, minimum in (("train", FEW_TRADES), ("validation", MIN_TRADES)):
        count = best.metrics.get(part, {}).get("num_trades") if best else None
        if count is not None and count < minimum:
            yield (
                f"The best strategy closed only {count:,.0f} trades on {part}, fewer than "
                f"{minimum}: a few of them decide its figures there."
            )


def _list_proposers(view: RunView) -> list[str]:
    return list({each.proposer for each in view.rows.trials})
