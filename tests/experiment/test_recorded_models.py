"""Models of a run that goes on: those of its recording, at the addresses of today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evolve.errors import EvolveError
from evolve.experiment.recorded_models import RecordedModels, resume_models
from evolve.llm.model_set import ModelSet
from evolve.llm.transport.model import UNNAMED, Model

RECORDED = RecordedModels(
    models={"a": Model("a", "http://one"), "b": Model("b", "http://one")},
    mode="mix",
    concurrency=2,
)


def configure(*names: str) -> ModelSet:
    return ModelSet({str(number): Model(each, "http://two") for number, each in enumerate(names)})


@pytest.mark.parametrize("names", [("a", "b"), ("a", UNNAMED)])
def test_a_run_goes_on_with_its_models_at_other_addresses(names: tuple[str, ...]) -> None:
    resumed = resume_models(configure(*names), RECORDED)
    found = [(label, each.name, each.base_url) for label, each in resumed.models.items()]
    assert found == [("a", "a", "http://two"), ("b", "b", "http://two")]


@pytest.mark.parametrize("names", [("a",), ("c", "b"), ("b", "a"), ("a", "b", "c")])
def test_a_run_goes_on_with_no_other_models(names: tuple[str, ...]) -> None:
    with pytest.raises(EvolveError, match=f"expected a, b, found {', '.join(names)}"):
        resume_models(configure(*names), RECORDED)


def test_a_run_goes_on_with_the_settings_of_today_and_the_contexts_of_its_begin() -> None:
    before = Model("a", "http://one", max_tokens=500, context_tokens=4096, context_source="props")
    recorded = RecordedModels(models={"a": before}, mode="mix", concurrency=2)
    after = Model("a", "http://one", max_tokens=400, temperature=0.3, usd_per_million_in=2.0)
    resumed = resume_models(ModelSet({"a": after}), recorded)
    expected = replace(after, context_tokens=4096, context_source="props")
    assert resumed.models == {"a": expected}
