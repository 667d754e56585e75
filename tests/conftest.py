"""Fixtures of all tests: deterministic examples, and no model of this machine."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
pytest.register_assert_rewrite("tests.command_line")
settings.load_profile("steady")

# Modules with the longest tests, in order of their start.
LONGEST = ("test_house", "test_wheel", "test_verdict_rates", "test_spa", "test_pbo")


@pytest.fixture(autouse=True, scope="session")
def _no_model_of_this_machine() -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        os.environ.pop(name, None)
    os.environ["EVOLVE_DOTENV"] = os.devnull


@pytest.fixture(autouse=True, scope="session")
def _no_home_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use an empty home, so that no ledger gets runs of tests; compiled kernels remain."""
    from dsl.evaluate.jit import kernel_cache_dir

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(kernel_cache_dir()))
        patch.setenv("EVOLVE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True, scope="module")
def _no_ledger_of_other_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use an empty home for each module: the ledger counts its runs on the same prices only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_flush() -> Iterator[None]:
    """Flush no file to the disk: a test does not survive a crash of the machine either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use a worker for each core, but none for single files, which start faster without."""
    from evolve.parallel import count_cores

    are_files = all(arg.partition("::")[0].endswith(".py") for arg in config.args)
    return 0 if are_files else count_cores()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that no worker waits for them at the end."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(LONGEST)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exempt what imports created from garbage collection, which would visit it again and again."""
    gc.collect()
    gc.freeze()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the missing kernels in parallel, once, before xdist starts a worker."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    from evolve.fitness.precompile import find_uncompiled, precompile
    from evolve.parallel import count_cores

    precompile(find_uncompiled(1, 2), count_cores())


@pytest.fixture
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use an empty home for one test; compiled kernels remain available."""
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path_factory.mktemp("home")))
