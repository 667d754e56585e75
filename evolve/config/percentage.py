"""Numbers that may be written as a percentage."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

PERCENTAGE = r"^\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*%\s*$"


def _read_percentage(value: object) -> object:
    """Convert `60%` to 0.6; return any other value unchanged."""
    if isinstance(value, str) and re.search(PERCENTAGE, value):
        return float(value.strip()[:-1]) / 100
    return value


class OrPercentage:
    """Annotation of a number that may be written as a percentage, such as `60%`."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_before_validator_function(_read_percentage, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": PERCENTAGE}]}


Fraction = Annotated[float, Field(gt=0, lt=1), OrPercentage()]
Share = Annotated[float, Field(gt=0, le=1), OrPercentage()]
