"""The grammar that holds a decoder to the language, as Lark, GBNF and a JSON schema."""

from dsl.constraint.gbnf import gbnf_text
from dsl.constraint.grammar import Grammar, constraint_grammar
from dsl.constraint.json_schema import json_schema, text_of_tree, tree_of
from dsl.constraint.lark import lark_text

__all__ = [
    "Grammar",
    "constraint_grammar",
    "gbnf_text",
    "json_schema",
    "lark_text",
    "text_of_tree",
    "tree_of",
]
