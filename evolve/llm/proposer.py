"""The model as an adviser of the search: asked at a boundary, heard at a later one.

All it decides rests on the state of the search, a seeded generator and the answers themselves,
never on when they came: a run that is replayed from its recording is the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dsl.printing.decompile import format_program
from evolve.llm.answer.parse import read_answer
from evolve.llm.prompt.builder import Briefing, failed, failure_of
from evolve.llm.prompt.composer import Composer, Terms
from evolve.llm.prompt.learnings import (
    LONGEST_SENTENCE,
    MOST_SENTENCES,
    Learning,
    Learnings,
    belief_of,
    read_merger,
)
from evolve.llm.prompt.selection import Choice
from evolve.llm.schedule import Schedule
from evolve.llm.transport.calls import Call, Correspondence
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.server import Message
from evolve.llm.transport.usage import Ledger, most_cost
from evolve.search.credit import Credit, joined
from evolve.search.external import Hearing, Outcome, Proposal
from evolve.search.progress import Progress

LEAST_MERGED = 8  # records before a model is asked to merge them
PROBING_TOKENS = 6000  # of finding out what a server can do
LONGEST_SENT_BACK = 4000  # characters of an answer that is sent back


class Minutes(Protocol):
    """Keeps what became of what was proposed."""

    def keep_proposal(self, call: int, text: str, digest: str, fate: str, why: str) -> None:
        """One strategy of a call's answer, and its fate."""

    def keep_learnings(self, text: str) -> None:
        """What is learned by now."""


@dataclass
class _Asked:
    """A call under way and what it was asked about."""

    call: Call
    choice: Choice = field(default_factory=Choice)
    told: int = 0  # records that a merger was shown


class ModelAdviser:
    """Asks models for strategies and reads what they answer. An `Adviser` of the search."""

    def __init__(
        self,
        terms: Terms,
        briefing: Briefing,
        correspondence: Correspondence,
        ledger: Ledger,
        minutes: Minutes,
        seed: int,
        learnings: Learnings | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        """
        Args:
            terms: how it takes part.
            briefing: what it tells.
            correspondence: who carries its calls out.
            ledger: what they may cost.
            minutes: where the fate of proposals is kept.
            seed: of its own generator.
            learnings: of earlier runs.
            notify: told what a person should know.
        """
        self.terms, self.briefing, self.ledger = terms, briefing, ledger
        self.learnings = learnings or Learnings()
        self._correspondence, self._minutes, self._notify = correspondence, minutes, notify
        self._composer = Composer(terms, briefing, seed)
        self._under_way: dict[int, _Asked] = {}
        self._heard: dict[int, tuple[_Asked, Proposal]] = {}  # by the identity of a proposal
        self._last_number = 0
        self._may_probe = set(terms.models)  # of which it is not known how strictly they answer
        self._schedule = Schedule(terms.evaluations, terms.concurrency, terms.mode == "only")

    # -- asked

    def ask(self, progress: Progress) -> None:
        """Ask for what the state of the search suggests, if the last answers were taken in."""
        self._composer.note(progress)
        if progress.stopped or not self._schedule.is_due:
            return
        goes_on = self._schedule.takes_rest() or self._ask_round(progress)
        under_way, left = len(self._under_way), self.ledger.calls_affordable
        self._schedule.asked(progress.evaluated, under_way, left, goes_on)

    def _ask_round(self, progress: Progress) -> bool:
        """Ask as much as may be under way; False if nothing could be afforded and nothing is."""
        self._ask_to_merge(progress.epoch)
        mergers = sum(each.call.kind == "compact" for each in self._under_way.values())
        while len(self._under_way) - mergers < self.terms.concurrency:
            if not self._ask_for_strategies(progress):
                break
        return bool(self._under_way)

    def next_hearing(self, evaluated: int) -> int | None:
        """At how many evaluations it is to be heard; None once nothing more can come."""
        return self._schedule.next_hearing(evaluated)

    def _ask_for_strategies(self, progress: Progress) -> bool:
        """Begin a call; False if none can be afforded."""
        messages, choice = self._composer.compose(progress, self.learnings)
        return self._begin("propose", choice.model, messages, progress.epoch, choice)

    def _ask_to_merge(self, epoch: int) -> None:
        """Ask for what was learned in short, once it has grown too long."""
        records = self.learnings.records
        is_long = self.learnings.tokens(self.briefing.folder) > self.terms.learnings_tokens
        is_asked = any(each.call.kind == "compact" for each in self._under_way.values())
        if not is_long or is_asked or len(records) < LEAST_MERGED:
            return
        record = self.learnings.text(self.briefing.folder)
        messages = self.briefing.merger(record, MOST_SENTENCES, LONGEST_SENTENCE)
        label = next(iter(self.terms.models))
        if self._begin("compact", label, messages, epoch, Choice(label)):
            self._under_way[self._last_number].told = len(records)
        else:
            self.learnings = self.learnings.ranked()

    def _begin(
        self, kind: Literal["propose", "repair", "compact"], label: str,
        messages: Sequence[Message], epoch: int, choice: Choice,
    ) -> bool:  # fmt: skip
        further = PROBING_TOKENS if label in self._may_probe else 0
        most = most_cost(self.terms.models[label], messages, further)
        if not self.ledger.hold(self._last_number + 1, most):
            return False
        self._last_number += 1
        call = Call(self._last_number, kind, label, tuple(messages), epoch, choice.direction)
        self._under_way[call.number] = _Asked(call, choice)
        self._correspondence.begin(call)
        return True

    # -- heard

    def hear(self, epoch: int) -> Hearing:
        """The strategies of the answers that came, in the order in which they were asked for."""
        self._heard = {}
        deadline = time.monotonic() + self.terms.wait_seconds
        ledger: dict[str, Credit] = {}
        proposals: list[Proposal] = []
        waiting = sorted(self._under_way)
        had_calls, has_answered = bool(waiting), False
        while waiting:
            number = waiting.pop(0)
            exchanges = self._correspondence.collect(number, epoch, deadline)
            if exchanges is None:
                continue
            asked = self._under_way.pop(number)
            self.ledger.settle(number, exchanges)
            answer = exchanges[-1] if exchanges else None
            self._may_probe.discard(asked.call.model)
            if answer is None or answer.error:
                self._may_probe.add(asked.call.model)
                self._miss(asked, answer)
                continue
            has_answered = True
            if asked.call.kind == "compact":
                self._take_in_merger(asked, answer)
                continue
            last_number = self._last_number
            found, credit = self._take_in(asked, answer, epoch)
            proposals.extend(found)
            ledger = joined(ledger, {asked.choice.arm: credit})
            waiting.extend(range(last_number + 1, self._last_number + 1))  # a repair
        if has_answered and self._schedule.is_silent:
            self._notify("the model answers again")
        self._schedule.heard(had_calls, has_answered, len(self._under_way))
        return Hearing(tuple(proposals), ledger)

    def _take_in(
        self, asked: _Asked, answer: Exchange, epoch: int
    ) -> tuple[list[Proposal], Credit]:
        """The proposals of an answer; one without any may be sent back."""
        call, choice = asked.call, asked.choice
        reading = read_answer(answer.text, answer.reasoning, self.briefing.space)
        self._correspondence.judge(call.model, reading.is_readable)
        if not reading.is_readable:
            self._may_probe.add(call.model)
        for each in reading.rejected:
            self._composer.fail(failure_of(each.text, each.why))
            self._minutes.keep_proposal(call.number, each.text, "", "rejected", each.why)
        proposals = []
        for program in reading.programs:
            proposal = Proposal(program, choice.arm, choice.parents, choice.parent_score)
            self._heard[id(proposal)] = (asked, proposal)
            proposals.append(proposal)
        if not proposals and self.terms.repairs and call.kind == "propose":
            text = answer.text or answer.reasoning
            messages = [*call.messages, *self.briefing.repair(text[:LONGEST_SENT_BACK],
                                                              reading.rejected)]  # fmt: skip
            self._begin("repair", call.model, messages, epoch, choice)
        offered = len(reading.programs) + len(reading.rejected)
        return proposals, Credit(proposed=offered, valid=len(proposals))

    def _take_in_merger(self, asked: _Asked, answer: Exchange) -> None:
        try:
            sections = read_merger(answer.text or answer.reasoning)
        except (ValueError, RecursionError):
            self.learnings = self.learnings.ranked()
        else:
            self.learnings = self.learnings.merged(sections, asked.told)

    def _miss(self, asked: _Asked, answer: Exchange | None) -> None:
        """An answer that never came: the run goes on."""
        if asked.call.kind == "compact":
            self.learnings = self.learnings.ranked()
            return
        why = answer.error if answer else "it said nothing"
        if not self._schedule.is_silent:
            self._notify(f"no answer of {asked.call.model}: {why}\n  = the run goes on without "
                         "the model, and tries again later")  # fmt: skip

    # -- told

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Note what became of the proposals, beside what their author believed."""
        learned = [self._learned(each) for each in outcomes if each.individual is not None]
        for outcome in outcomes:
            self._note(outcome)
        self._composer.has_failed_last = not any(each.improved for each in outcomes)
        self.learnings = self.learnings.with_records(learned)
        if self.learnings:
            self._minutes.keep_learnings(self.learnings.text(self.briefing.folder))

    def close(self) -> None:
        """Count what is still under way: its servers may go on with it."""
        self.ledger.give_up()

    def _note(self, outcome: Outcome) -> None:
        asked, proposal = self._heard[id(outcome.proposal)]
        program, individual = proposal.program, outcome.individual
        obstacle = getattr(individual.scores, "obstacle", "") if individual else outcome.fate
        if obstacle:
            why = "it was tried before" if outcome.fate == "duplicate" else obstacle
            self._composer.fail(failed(program, why))
        why = obstacle if individual else ""
        self._minutes.keep_proposal(
            asked.call.number, format_program(program), program.hash, outcome.fate, why
        )

    def _learned(self, outcome: Outcome) -> Learning:
        asked, proposal = self._heard[id(outcome.proposal)]
        assert outcome.individual is not None
        return Learning(
            belief_of(proposal.program.about),
            asked.choice.direction,
            self.briefing.goals.maximize[0],
            outcome.individual.score,
            proposal.parent_score,
            getattr(outcome.individual.scores, "obstacle", ""),
        )
