"""Warnings of a run: what its figures hide, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from dsl.printable import make_printable
from evolve.experiment.run_events import NoticeEvent
from evolve.experiment.run_view import RunView
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.validation.holdout import MIN_TRADES

FEW_TRADES = 30  # on train; the usual minimum for a mean with a normal error
MAX_NOTICES = 20

SAME_CLOSE = (
    "Orders fill at the close of their own signal, which nobody can trade: real results are "
    "different, and usually worse."
)


def list_warnings(view: RunView) -> list[str]:
    """Return the warnings that apply to a run."""
    notices = list(dict.fromkeys(each.text for each in view.read_events(NoticeEvent)))
    texts = [*_iterate_data(view, notices), *_iterate_tests(view)]
    texts += [make_printable(" ".join(each.split())) for each in notices[:MAX_NOTICES]]
    if len(notices) > MAX_NOTICES:
        texts.append(f"The journal has {len(notices) - MAX_NOTICES:,} more notices.")
    return texts


def _iterate_data(view: RunView, notices: list[str]) -> Iterator[str]:
    """Yield warnings of data and market; a notice that they replace is removed from `notices`."""
    data = view.origin
    if data is not None and data.fallback_used:
        replaced = f"{data.fallback_reason}; using the fallback {data.name} instead"
        if replaced in notices:
            notices.remove(replaced)
        reason = f" ({data.fallback_reason})" if data.fallback_reason else ""
        yield make_printable(
            f"The prices are those of the fallback {data.name}, so the verdict holds for them "
            f"alone{reason}."
        )
    for name in data.closes_only if data is not None else ():
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
    holdout = view.document.holdout if view.document is not None else None
    if holdout is not None and not holdout.sealed and holdout.test is not None:
        opening = holdout.test.opening
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


def _iterate_few_trades(view: RunView) -> Iterator[str]:
    best = view.document.best if view.document else None
    for part, minimum in (("train", FEW_TRADES), ("validation", MIN_TRADES)):
        count = best.find_metric(part, "num_trades") if best else None
        if count is not None and count < minimum:
            yield (
                f"The best strategy closed only {count:,.0f} trades on {part}, fewer than "
                f"{minimum}: a few of them decide its figures there."
            )


def _list_proposers(view: RunView) -> list[str]:
    return list({each.proposer for each in view.rows.trials})
