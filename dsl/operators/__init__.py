"""Built-in operators, one module per family; `dsl.analysis.catalog` collects their declarations.

Kernels are plain functions over float64 arrays, which `dsl.evaluate` compiles at first use.
Importing a family loads neither numpy nor numba. Operators that the language can express are
defined in `prelude.evo`.
"""

from dsl.operators import (
    arithmetic,
    averages,
    bars,
    events,
    logic,
    range,
    regression,
    statistics,
    volume,
)

FAMILIES = (
    bars, arithmetic, averages, events, logic, range, regression, statistics, volume,
)  # fmt: skip
