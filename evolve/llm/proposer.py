"""Models as an external proposer: calls start between epochs and are collected later.

Decisions depend on the state of the search, a seeded generator and the answers, but not on their
arrival times, so that a replay of a recording repeats the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dsl.printing.decompile import format_program
from evolve.llm.answer.extraction import list_regions
from evolve.llm.answer.parse import parse_answer
from evolve.llm.answer.summary import merge_summary
from evolve.llm.patience import Patience
from evolve.llm.prompt.builder import build_failure, build_program_failure
from evolve.llm.prompt.composer import Composer, PromptTooLongError
from evolve.llm.prompt.learnings import Learnings, build_learning, build_summary_schema
from evolve.llm.prompt.selection import ArmChoice
from evolve.llm.proposal_log import ProposalLog
from evolve.llm.proposer_state import (
    ModelsState,
    ProposerState,
    Request,
    decode_state,
    encode_state,
)
from evolve.llm.schedule import Schedule
from evolve.llm.transport.calls import Call, Calls
from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.request_body import Message
from evolve.llm.transport.usage import CallBudget, estimate_max_cost
from evolve.search.external import Outcome, Proposal, ProposalBatch
from evolve.search.progress import Progress
from evolve.search.proposer_stats import ProposerStats, merge_stats

MIN_SUMMARIZED_RECORDS = 8
PROBING_TOKENS = 6000  # reserved if the call may probe request formats


class ModelProposer:
    """External proposer that requests strategies from models."""

    def __init__(
        self, composer: Composer, calls: Calls, budget: CallBudget, log: ProposalLog
    ) -> None:
        """
        Args:
            composer: composes the prompts; has the models and their settings.
            calls: starts and collects the calls.
            budget: limits the cost of the calls.
            log: receives the records of proposals and learnings.
        """
        self.settings, self.prompts, self.budget = composer.settings, composer.prompts, budget
        self._models = composer.models.models
        self._composer, self._calls, self._log = composer, calls, log
        self._state = ProposerState(self.prompts.assets.learnings, set(self._models))
        self._collected: dict[int, Request] = {}  # by the id() of a proposal, until its outcome
        settings, is_alone = self.settings, self.settings.mode == "only"
        self._schedule = Schedule(
            settings.evaluations, budget.max_calls, settings.concurrency, is_alone
        )
        self._patience = Patience(settings.sync_wait_seconds, is_alone, log)
        self._is_repeating = False  # during `ask` after `restore`, whose notices are recorded

    @property
    def learnings(self) -> Learnings:
        """What the models learned so far."""
        return self._state.learnings

    @property
    def failed_calls(self) -> int:
        """Number of calls that failed, without those for summaries."""
        return self._state.failed_calls

    # -- save

    def save(self) -> dict[str, Any]:
        """Return the state at the end of an epoch as JSON values."""
        parts = (self._composer.state, self._schedule.state, self._patience.state)
        limits = (self.settings.evaluations, self.budget.limits)
        return encode_state(ModelsState(self._state, *parts, self.budget.state, *limits))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a saved state; the next `ask` starts the calls that were in flight.

        If the budget changed, the models may be asked again where the earlier one was spent.

        Raises:
            EvolveError: if the state is damaged.
        """
        saved = decode_state(state)
        self._state = saved.proposer
        self._composer.restore(saved.composer)
        self._schedule.state, self._patience.state = saved.schedule, saved.patience
        self.budget.restore(saved.budget)
        if (saved.evaluations, saved.limits) != (self.settings.evaluations, self.budget.limits):
            self._schedule.renew()
        self._is_repeating = True

    # -- ask

    def ask(self, progress: Progress, migration: int) -> None:
        """Start calls if the schedule allows a round."""
        if self._is_repeating:
            for number in sorted(self._state.in_flight):
                self._calls.submit(self._state.in_flight[number].call)
        self._schedule.record_progress(migration)
        if self._schedule.is_due and not progress.stop_reason:
            self._ask(progress)
        self._is_repeating = False

    def _ask(self, progress: Progress) -> None:
        is_active = bool(self._state.in_flight)
        if self._schedule.fits_round(progress.evaluated):
            is_active = self._schedule.skip_round() or self._start_round(progress)
        in_flight, left = len(self._state.in_flight), self.budget.calls_affordable
        self._schedule.record_asked(progress.evaluated, in_flight, left, is_active)

    def _start_round(self, progress: Progress) -> bool:
        """Start calls up to the concurrency limit.

        Return False if no call is in flight and the budget allows none.
        """
        self._start_summary(progress.epoch)
        summaries = sum(each.call.kind == "summarize" for each in self._state.in_flight.values())
        most = self.settings.concurrency + summaries
        while self._composer.has_models and len(self._state.in_flight) < most:
            try:
                prompt = self._composer.compose(progress, self.learnings)
            except PromptTooLongError as error:
                if not self._is_repeating:
                    self._log.notice(f"{error}\n  = the run continues without the model")
                continue
            if not self._start("propose", prompt.messages, progress.epoch, prompt.choice):
                break
            self._state.in_flight[self._state.last_number].parts = prompt.parts
        return bool(self._state.in_flight)

    @property
    def is_silent(self) -> bool:
        """Whether the last calls brought no answer."""
        return self._schedule.is_silent

    def next_sync(self, evaluated: int) -> int | None:
        """Return the evaluation count of the next synchronization; None if none follows."""
        return self._schedule.next_sync(evaluated)

    def _start_summary(self, epoch: int) -> None:
        """Request a summary of the learnings if they are too long; shorten them if that fails."""
        records, folder = self.learnings.records, self.prompts.assets.folder
        is_long = self.learnings.tokens(folder) > self.settings.learnings_tokens
        is_requested = any(each.call.kind == "summarize" for each in self._state.in_flight.values())
        if not is_long or is_requested or len(records) < MIN_SUMMARIZED_RECORDS:
            return
        label = next(iter(self._models))
        messages = self._composer.compose_summary(label, self.learnings)
        if messages is not None and self._start(
            "summarize", messages, epoch, ArmChoice(label), build_summary_schema()
        ):
            self._state.in_flight[self._state.last_number].summarized = len(records)
        else:
            self._state.learnings = self.learnings.shorten()

    def _start(
        self,
        kind: Literal["propose", "repair", "summarize"],
        messages: Sequence[Message],
        epoch: int,
        choice: ArmChoice,
        schema: Mapping[str, object] | None = None,
    ) -> bool:
        """Start a call; return False if the budget does not allow it."""
        label = choice.model
        probing = PROBING_TOKENS if label in self._state.may_probe else 0
        max_cost = estimate_max_cost(self._models[label], messages, probing)
        if not self.budget.reserve(self._state.last_number + 1, max_cost):
            return False
        self._state.last_number += 1
        call = Call(
            self._state.last_number, kind, label, tuple(messages), epoch, choice.task, schema,
            self._composer.limits[label].model.max_tokens,
        )  # fmt: skip
        self._state.in_flight[call.number] = Request(call, choice)
        self._calls.submit(call)
        return True

    # -- collect

    def collect(self, epoch: int) -> ProposalBatch:
        """Return the proposals in the answers that arrived, in the order of the calls."""
        self._collected = {}
        self._patience.begin(self._schedule.is_last)
        stats: dict[str, ProposerStats] = {}
        proposals: list[Proposal] = []
        numbers = sorted(self._state.in_flight)
        had_calls, answering = bool(numbers), set[str]()
        while numbers:
            number = numbers.pop(0)
            request = self._state.in_flight[number]
            deadline = self._patience.get_deadline(number, request.call.model)
            exchanges = self._calls.collect(number, epoch, deadline)
            if exchanges is None:
                continue
            del self._state.in_flight[number]
            self.budget.settle(number, exchanges)
            for text in self._composer.record_exchanges(request.call.model, exchanges):
                self._log.notice(text)
            answer = exchanges[-1] if exchanges else None
            self._state.may_probe.discard(request.call.model)
            if answer is None or answer.error:
                self._state.may_probe.add(request.call.model)
                self._handle_failed_call(request, answer)
                continue
            answering.add(request.call.model)
            if request.call.kind == "summarize":
                self._state.learnings = merge_summary(self.learnings, answer, request.summarized)
                continue
            last_number = self._state.last_number
            read, counts = self._read_answer(request, answer, epoch)
            proposals.extend(read)
            stats = merge_stats(stats, {request.choice.arm: counts})
            numbers.extend(range(last_number + 1, self._state.last_number + 1))  # a repair
        in_flight = {number: each.call.model for number, each in self._state.in_flight.items()}
        self._patience.end(in_flight, answering)
        self._schedule.record_collected(had_calls, bool(answering), len(self._state.in_flight))
        return ProposalBatch(tuple(proposals), stats)

    def _read_answer(
        self, request: Request, answer: Exchange, epoch: int
    ) -> tuple[list[Proposal], ProposerStats]:
        """Return the proposals in an answer; start a repair if there are none."""
        call, choice = request.call, request.choice
        parsed = parse_answer(answer.text, answer.reasoning, self.prompts.space, answer.finish)
        self._calls.record_parse_result(call.model, parsed.is_readable, answer.request_format)
        if not parsed.is_readable:
            self._state.may_probe.add(call.model)
        for each in parsed.rejected:
            self._composer.record_failure(build_failure(each.text, each.reason))
            self._log.record_proposal(call.number, each.text, "", "rejected", each.reason)
        proposals = []
        for program in parsed.programs:
            proposal = Proposal(program, choice.arm, choice.parents, choice.parent_score)
            self._collected[id(proposal)] = request
            proposals.append(proposal)
        if not proposals and self.settings.repair and call.kind == "propose":
            regions = list_regions(answer.text, answer.reasoning)
            text = regions[0].text if regions else ""  # without the thinking before it
            messages = self._composer.compose_repair(
                call.model, request.parts, text, parsed.rejected
            )
            if messages is not None:
                self._start("repair", messages, epoch, choice)
        proposed = len(parsed.programs) + len(parsed.rejected)
        return proposals, ProposerStats(proposed=proposed, valid=len(proposals))

    def _handle_failed_call(self, request: Request, answer: Exchange | None) -> None:
        """Shorten the learnings if their summary failed; otherwise report the failure."""
        if request.call.kind == "summarize":
            self._state.learnings = merge_summary(self.learnings, answer, request.summarized)
            return
        self._state.failed_calls += 1
        reason = answer.error if answer else "no response"
        is_refused = answer is not None and answer.is_unreachable and not answer.may_be_billed
        self._patience.record_silence(request.call.model, reason, is_refused)

    # -- tell

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Record the outcomes of the proposals of the last synchronization."""
        measure = self.prompts.goals.maximize[0]
        records = [
            build_learning(each, self._collected[id(each.proposal)].choice.task, measure)
            for each in outcomes
            if each.individual is not None
        ]
        for outcome in outcomes:
            self._record_outcome(outcome)
        self._composer.state.has_failed_last = not any(each.improved for each in outcomes)
        self._state.learnings = self.learnings.add_records(records)
        if self.learnings:
            self._log.record_learnings(self.learnings.text(self.prompts.assets.folder))

    def close(self) -> None:
        """Count the calls in flight as spent: their servers may continue to work on them."""
        self.budget.assume_spent()

    def _record_outcome(self, outcome: Outcome) -> None:
        request = self._collected[id(outcome.proposal)]
        program, individual = outcome.proposal.program, outcome.individual
        reason = individual.scores.infeasible_reason if individual else outcome.status
        if reason:
            shown = "duplicate of an earlier strategy" if outcome.status == "duplicate" else reason
            self._composer.record_failure(build_program_failure(program, shown))
        source, reason = format_program(program), reason if individual else ""
        self._log.record_proposal(request.call.number, source, program.hash, outcome.status, reason)
