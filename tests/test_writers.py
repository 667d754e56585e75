"""All files are written by `evolve/files.py`, atomically; the exceptions have their reasons."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.test_house import SOURCES, relative

WRITER = "evolve/files.py"
WRITE_MODES = set("wax+")
WRITING_CALLS = {
    "write_text", "write_bytes", "mkstemp", "NamedTemporaryFile", "TemporaryFile",
    "SpooledTemporaryFile",
    "replace", "rename", "renames", "copy", "copy2", "copyfile", "copytree", "move", "link",
    "symlink", "symlink_to", "hardlink_to", "touch", "truncate", "mkfifo", "chmod", "unlink",
    "write_table", "to_parquet", "to_csv", "savetxt", "save",
}  # fmt: skip
MODULES = {"os", "shutil", "tempfile", "np", "numpy"}
ANY_OWNER = WRITING_CALLS - {"replace", "rename", "copy", "save", "move", "link", "truncate"}
INTO_TEMPORARY = "writes into the temporary file of `atomic_write`"
EXCEPTIONS = {
    ("evolve/cli/__init__.py", "open"): "the null device, for streams that the parent closed",
    ("evolve/report/export.py", "open"): INTO_TEMPORARY,
    ("evolve/report/export.py", "to_csv"): INTO_TEMPORARY,
    ("evolve/report/export.py", "to_parquet"): INTO_TEMPORARY,
    ("evolve/data/cache.py", "write_table"): INTO_TEMPORARY,
    ("evolve/store/folder.py", "write_table"): INTO_TEMPORARY,
    ("evolve/store/folder.py", "write_text"): "`RunFolder.write_text`, which calls the writer",
    ("evolve/experiment/input_copies.py", "write_text"): "`RunFolder.write_text`",
    ("evolve/experiment/recorder.py", "write_text"): "`RunFolder.write_text`",
    ("evolve/experiment/recipe.py", "write_text"): "`RunFolder.write_text`",
    ("evolve/experiment/run.py", "write_text"): "`RunFolder.write_text`",
    ("evolve/experiment/unfinished.py", "write_text"): "`RunFolder.write_text`",
    ("evolve/experiment/resume.py", "write_text"): "`RunFolder.write_text`",
    ("evolve/experiment/run_inputs.py", "write_text"): "`RunFolder.write_text`, temporary",
    ("evolve/experiment/run_inputs.py", "write_bytes"): "inputs of a run in a temporary folder",
    ("evolve/store/folder.py", "unlink"): "deletes finalists of an earlier search of the run",
    ("evolve/store/repair.py", "connect"): "SQLite, into a temporary folder",
    ("evolve/store/repair.py", "copy2"): "keeps the damaged journal of a run",
    ("evolve/store/repair.py", "hardlink_to"): "keeps the damaged journal of a run",
    ("evolve/store/repair.py", "unlink"): "deletes the index of a journal that was replaced",
    ("evolve/store/salvage.py", "connect"): "SQLite reads copies in a temporary folder",
    ("evolve/store/salvage.py", "copyfile"): "a copy of a journal in a temporary folder",
    ("evolve/store/salvage.py", "open"): "a copy of a journal in a temporary folder",
    ("evolve/store/salvage.py", "unlink"): "a copy of a journal in a temporary folder",
    ("evolve/store/database.py", "connect"): "SQLite writes its own files in transactions",
    ("evolve/validation/ledger.py", "connect"): "SQLite writes its own files in transactions",
    ("evolve/store/database.py", "copy"): "a copy of a journal in a temporary folder, to read it",
    ("evolve/store/lock.py", "open"): "the lock of a run folder, an empty file",
    ("evolve/experiment/remove_run.py", "unlink"): "deletes a run, at the request of its user",
    ("evolve/assist/doctor.py", "TemporaryFile"): "tests whether a folder is writable",
}


def list_writes(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the calls that may write a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "open" and opens_for_writing(node, 1):
                yield "open"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, owner = node.func.attr, ast.unparse(node.func.value)
            is_writing = (
                (name == "open" and opens_for_writing(node, int(owner in ("io", "gzip")))),
                (owner, name) in (("os", "open"), ("sqlite3", "connect")),
                owner in MODULES and name in WRITING_CALLS,
                name in ANY_OWNER,
            )
            if any(is_writing):
                yield name


def opens_for_writing(call: ast.Call, position: int) -> bool:
    """Return whether an `open` has a mode that writes; a first argument may be no mode."""
    modes = [each.value for each in call.keywords if each.arg == "mode"]
    modes += call.args[position : position + 1]
    texts = [each.value for each in modes if isinstance(each, ast.Constant)]
    return any(isinstance(each, str) and WRITE_MODES & set(each) for each in texts)


def test_no_other_module_writes_files() -> None:
    found = {
        (relative(path), name)
        for path in SOURCES
        if relative(path) != WRITER
        for name in list_writes(ast.parse(path.read_text("utf-8")))
    }
    assert found - set(EXCEPTIONS) == set(), "write files with evolve/files.py"
    assert set(EXCEPTIONS) - found == set(), "remove the exceptions that are not used"


def test_the_check_detects_writes() -> None:
    source = """
open("a", "w"); open("a"); open("a", mode="ab"); Path("a").open("x"); Path("a").open("rb")
Path("a").write_text("x"); os.open("a", flags); gzip.open("a", "rb"); gzip.open("a", "wb")
os.replace("a", "b"); "x".replace("a", "b"); shutil.copy("a", "b"); values.copy()
"""
    names = list(list_writes(ast.parse(source)))
    assert sorted(names) == sorted(["open"] * 4 + ["open"] + ["write_text", "replace", "copy"])
