"""Built-in operators, one module a family; `dsl.analysis.catalog` collects their declarations.

A family declares what its operators are and how they are computed. Kernels are plain functions
over float64 arrays, compiled at first use by `dsl.evaluate`; importing a family loads neither
numpy nor numba. Operators that the language itself can express are defined in `prelude.evo`.
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
