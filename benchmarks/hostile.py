"""Hostile input: seconds and peak memory of each command that reads it, largest of all runs."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from report import report

LIMIT_SECONDS = 120
HEADER = "date,open,high,low,close\n"
ROW = "2024-01-02,1,1,1,1\n"
BILLION = 1_000_000_000
FORK = multiprocessing.get_context("fork")
SETTINGS = ("data.from=synthetic:walk?bars=1000", "budget.evaluations=200",
            "validate.null_runs=0")  # fmt: skip


def write_gzip_bomb(path: Path) -> None:
    """Write 1 MB of gzip that holds 1 GB of rows."""
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(HEADER.encode())
        block = (ROW * 50_000).encode()
        for _ in range(BILLION // len(block)):
            file.write(block)


def write_parquet_bomb(path: Path) -> None:
    """Write a small Parquet file of 200 million equal rows."""
    block = pa.table({name: pa.array([1.0]).take(pa.array([0] * 1_000_000)) for name in
                      ("date", "open", "high", "low", "close")})  # fmt: skip
    with pq.ParquetWriter(path, block.schema, compression="zstd") as writer:
        for _ in range(200):
            writer.write_table(block)


def write_bytes(content: Callable[[], bytes]) -> Callable[[Path], object]:
    """Return a writer of some content, which is built when it is written."""
    return lambda path: path.write_bytes(content())


def double_lets(count: int) -> bytes:
    """Return a strategy whose lets double the size of its condition `count` times."""
    lets = "\n".join(f"let a{n} = a{n - 1} + a{n - 1}" for n in range(1, count + 1))
    text = f"strategy s {{ let a0 = close / open\n{lets}\nbuy when a{count} > 1 }}"
    return text.encode()


def list_keys(count: int) -> bytes:
    """Return an experiment with unknown keys."""
    return "\n".join(f"populaton{n}: 1" for n in range(count)).encode()


def nest_aliases() -> bytes:
    """Return an experiment whose aliases expand to 10^12 elements."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 13)]
    return "\n".join(lines).encode()


# Name, file name, writer of the file, and the command that reads it.
FILES: tuple[tuple[str, str, Callable[[Path], object], tuple[str, ...]], ...] = (
    ("gzip", "bomb.csv.gz", write_gzip_bomb, ("data", "csv:{}")),
    ("parquet", "bomb.parquet", write_parquet_bomb, ("data", "parquet:{}")),
    ("long_line", "line.csv", write_bytes(lambda: HEADER.encode() + b"1" * 200_000_000),
     ("data", "csv:{}")),
    ("columns", "wide.csv", write_bytes(lambda: b",".join([b"x"] * 500_000) + b"\n"),
     ("data", "csv:{}")),
    ("digits", "digits.csv", write_bytes(lambda: HEADER.encode() + b"2024-01-02," + b"9" * 5000),
     ("data", "csv:{}")),
    ("zeros", "zeros.csv", write_bytes(lambda: bytes(300_000_000)), ("data", "csv:{}")),
    ("doubled_lets", "lets.evo", write_bytes(lambda: double_lets(40)), ("check", "{}")),
    ("unknown_names", "names.evo",
     write_bytes(lambda: b"strategy s { buy when " + b" and ".join(
         b"x%d > 1" % n for n in range(95_000)) + b" }"), ("check", "{}")),
    ("parentheses", "deep.evo",
     write_bytes(lambda: b"strategy s { buy when " + b"(" * 100_000 + b" }"), ("check", "{}")),
    ("comments", "comments.evo", write_bytes(lambda: b"# x\n" * 900_000), ("fmt", "{}")),
    ("large_text", "large.evo", write_bytes(lambda: b"x" * 500_000_000), ("check", "{}")),
    ("unknown_keys", "keys.yaml", write_bytes(lambda: list_keys(19_000)), ("validate", "{}")),
    ("aliases", "aliases.yaml", write_bytes(nest_aliases), ("validate", "{}")),
    ("nesting", "deep.yaml", write_bytes(lambda: b"[" * 100_000), ("validate", "{}")),
)  # fmt: skip


class Bomb(BaseHTTPRequestHandler):
    """Server of a model whose answers do not end, or inflate; the address selects which."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request for the list of models."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a completion."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        is_gzip = self.path.startswith("/gzip")
        if is_gzip:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        try:
            if is_gzip:
                self.wfile.write(GZIP_BODY)
                return
            while True:
                self.wfile.write(b" " * 1_000_000)
        except OSError:
            return


GZIP_BODY = gzip.compress(bytes(BILLION), 6)


@contextmanager
def open_server() -> Iterator[str]:
    """Yield the address of a hostile server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bomb)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def measure(args: Sequence[str], folder: Path, variables: dict[str, str]) -> dict[str, float]:
    """Return the seconds, the peak memory in MB and the exit code of a command.

    The exit code is -9 if the command takes longer than the limit.
    """
    names = {"EVOLVE_HOME": str(folder / "home"), "EVOLVE_DOTENV": os.devnull}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "evolve", *args], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=os.environ | names | variables,
    )  # fmt: skip
    timer = threading.Timer(LIMIT_SECONDS, process.kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "peak_mb": round(usage.ru_maxrss / 1024),
        "exit": os.waitstatus_to_exitcode(status),
    }


def measure_all(folder: Path) -> dict[str, dict[str, float]]:
    """Measure the commands on all hostile files, special files and servers."""
    results = {"none": measure(["data", "sample:sp500"], folder, {})}
    for name, file, write, args in FILES:
        path = folder / file
        # In a process of its own: a child inherits the peak memory of its parent.
        writer = FORK.Process(target=write, args=(path,))
        writer.start()
        writer.join()
        results[name] = measure([each.format(path) for each in args], folder, {})
        path.unlink()
    os.mkfifo(folder / "pipe")
    for special in ("/dev/zero", str(folder / "pipe")):
        for args in (("check", special), ("validate", special), ("data", f"csv:{special}")):
            name = f"{args[0]}_{Path(special).name}"
            results[name] = measure(args, folder, {})
    sets = [part for each in SETTINGS for part in ("--set", each)]
    experiment = str(Path(__file__).with_name("search.yaml"))
    with open_server() as address:
        for kind in ("endless", "gzip"):
            variables = {"OPENAI_BASE_URL": f"{address}/{kind}/v1", "OPENAI_MODEL": "m"}
            results[f"doctor_{kind}"] = measure(["doctor"], folder, variables)
            run = ("run", experiment, *sets, "--set", "llm.timeout_seconds=10")
            results[f"run_{kind}"] = measure(run, folder, variables)
    return results


def main() -> None:
    """Print the figures of each input, and the largest of all."""
    folder = Path(tempfile.mkdtemp())
    try:
        results = measure_all(folder)
    finally:
        shutil.rmtree(folder)
    report(
        "hostile",
        max_peak_mb=max(each["peak_mb"] for each in results.values()),
        max_seconds=max(each["seconds"] for each in results.values()),
        inputs=results,
    )


if __name__ == "__main__":
    main()
