"""The operators, a family a module; `dsl.catalog` collects every `Declaration` in them.

A family states what its operators are and how they are computed. Kernels are plain functions
over float64 arrays, compiled at first use by `dsl.evaluate`; importing a family loads neither
numpy nor numba. What can be said in the language itself is said in `dsl/prelude.evo`.
"""
