"""How tightly operators bind: by this table text is read, and written."""

INFIX = {
    "or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6,
}  # fmt: skip
PREFIX = {"not": ("not ", 3), "negate": ("-", 7)}
COMPARISON, LAG, ATOM = 4, 8, 9
