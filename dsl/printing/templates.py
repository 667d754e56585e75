"""Templates of phrases: derived for an operator that declares none, and without known parts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dsl.terms.operator import Operator, Slot, list_placeholders
from dsl.terms.terms import Term

MAX_TITLE_WORDS = 4

_PART = re.compile(r"\[([^\[\]]*)\]")


def derive_template(operator: Operator, is_condition: bool) -> str:
    """Derive the phrase of an operator from its name, its description and its arguments."""
    windows = [slot.name for slot in operator.slots if slot.is_window]
    literals = [slot.name for slot in operator.slots if _is_literal(slot)]
    series = [slot.name for slot in operator.slots if slot.name not in {*windows, *literals}]
    if is_condition:
        listed = [f"{{{slot.name}}}{' bars' * slot.is_window}" for slot in operator.slots]
        return f"`{operator.name}` is true" + (f" for ({', '.join(listed)})" if listed else "")
    title = _find_title(operator)
    if len(windows) == 1:
        text = f"the {{{windows[0]}}}-bar {title}"
    else:
        text = f"the {title}" + (f" of {_list_names(windows)} bars" if windows else "")
    if literals:
        text += " with " + " and ".join(f"{name} {{{name}}}" for name in literals)
    return f"{text} of {_list_names(series)}" if series else text


def drop_known_parts(template: str, operator: Operator, args: Sequence[Term]) -> str:
    """Return a template without the parts in brackets that a reader expects.

    A part is dropped if each of its arguments has its default value, or is the close.
    """
    known = {
        slot.name: arg is slot.default or arg.head == "close"
        for slot, arg in zip(operator.slots, args, strict=False)
    }

    def choose(match: re.Match[str]) -> str:
        return "" if all(known[name] for name in list_placeholders(match[1])) else match[1]

    return _PART.sub(choose, template)


def _is_literal(slot: Slot) -> bool:
    return slot.takes_literal and not slot.is_window


def _list_names(names: Sequence[str]) -> str:
    return " and ".join(f"{{{name}}}" for name in names)


def _find_title(operator: Operator) -> str:
    """Return the term that a description begins with, if it is short; else the name."""
    title = operator.about.partition(":")[0].strip()
    is_short = 0 < len(title.split()) <= MAX_TITLE_WORDS
    if operator.is_user_defined or not is_short or set(title) & set("{}[]()"):
        return re.sub(r"[_.]+", " ", operator.name).strip()
    return title
