"""Cost of a model that is silent: one search without a model, and with servers that fail.

    .venv/bin/python benchmarks/models.py --evaluations 6000 --wait 3
    .venv/bin/python benchmarks/models.py --local       # and a real, small model on this machine

Every run has the same seed and data. A server is `dead` (it refuses connections), `silent` (it
accepts them and never answers) or `dies` (it answers three calls, then refuses connections).
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from report import report

from evolve.experiment.run import run

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = ROOT / "experiments" / "quick.yaml"
CONTEXTS = (2048, 4096)  # tokens of the local model
ANSWERS = (
    "strategy a { buy when rsi(close, 4) < 30 sell when rsi(close, 4) > 70 }",
    "strategy b { buy when close > highest(high, 20)[1] hold 15 }",
    "strategy c { buy when crossover(ema(close, 8), ema(close, 30)) hold 30 }",
)


def main() -> None:
    """Run the search beside each server and print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", type=Path, default=EXPERIMENT)
    parser.add_argument("--evaluations", type=int, default=6000)
    parser.add_argument("--wait", type=float, default=3.0, help="seconds, `llm.wait_seconds`")
    parser.add_argument("--local", action="store_true", help="also run the small local model")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    options = parser.parse_args()
    settings = [
        f"budget.evaluations={options.evaluations}", "budget.stale_epochs=null", "seed=1",
        "validate.null_runs=0", "llm.constraint=text", f"llm.wait_seconds={options.wait:g}",
        *options.overrides,
    ]  # fmt: skip
    measure(options.experiment, settings, "")  # the first run compiles
    runs = {"none": measure(options.experiment, settings, "")}
    for name, serve in (("dead", serve_dead), ("silent", serve_silent), ("dies", serve_three)):
        with serve() as url:
            runs[name] = measure(options.experiment, settings, url)
    if options.local:
        patient = [*settings, "llm.wait_seconds=120", "llm.constraint=auto"]
        for tokens in CONTEXTS:
            with serve_local(tokens) as url:
                runs[f"local_{tokens}"] = measure(options.experiment, patient, url)
    report("models", evaluations=options.evaluations, wait_seconds=options.wait, runs=runs)


def measure(experiment: Path, settings: list[str], url: str) -> dict[str, object]:
    """Return the figures of a run with a server; without a model if its address is empty."""
    model = [f"llm.models=[{{name: model, base_url: '{url}'}}]"] if url else ["llm.mode=off"]
    with tempfile.TemporaryDirectory() as folder:
        done = run(experiment, [*settings, *model], Path(folder) / "run")
    best, budget = done.progress.best, done.call_budget
    figures: dict[str, object] = {
        "trials": done.progress.evaluated,
        "seconds": round(done.search_seconds, 2),
        "epochs": done.progress.epoch,
        "best": best.score if best else None,
        "answers": budget.spent.calls - budget.assumed.calls if budget else 0,
    }
    print(json.dumps(figures), file=sys.stderr)
    return figures


@contextmanager
def serve_dead() -> Iterator[str]:
    """Yield the address of a port that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


@contextmanager
def serve_silent() -> Iterator[str]:
    """Yield the address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


@contextmanager
def serve_three() -> Iterator[str]:
    """Yield the address of a server that answers three calls, then refuses connections."""
    left = list(ANSWERS)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            message = {"role": "assistant", "content": left.pop(0)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            document = {"id": "x", "object": "chat.completion", "created": 1, "model": "model"}
            body = json.dumps(document | {"choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    def answer() -> None:
        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            address.append(f"http://127.0.0.1:{server.server_port}/v1")
            is_open.set()
            while left:
                server.handle_request()

    address: list[str] = []
    is_open = threading.Event()
    threading.Thread(target=answer, daemon=True).start()
    is_open.wait()
    yield address[0]


@contextmanager
def serve_local(context_tokens: int) -> Iterator[str]:
    """Yield the address of the small local model of the tests, with a context of some tokens."""
    sys.path.insert(0, str(ROOT))
    from tests.llm.local_model import model_file, served

    with served(model_file(), context_tokens) as url:
        yield url


if __name__ == "__main__":
    main()
