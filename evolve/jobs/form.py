"""Form of results as JSON, which is exact and checked on reading."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

Result = TypeVar("Result")


class ResultForm(Generic[Result]):
    """Form of the results of a job as JSON."""

    def __init__(self, kind: type[Result]) -> None:
        """Create a form.

        Args:
            kind: a frozen dataclass, whose fields pydantic can read and write.
        """
        self._adapter = TypeAdapter(kind)

    def encode(self, result: Result) -> Any:
        """Return a result as values of JSON."""
        return self._adapter.dump_python(result, mode="json")

    def decode(self, document: Any) -> Result:
        """Return the result that `encode` gave as values of JSON.

        Raises:
            ValueError: if they are not those of a result.
        """
        text = json.dumps(document, allow_nan=False)
        return self._adapter.validate_json(text, strict=True)
