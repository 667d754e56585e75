"""Hints for idioms of other languages: Pine, Python, EasyLanguage, AmiBroker, WorldQuant, Markdown.

At a syntax error, the first row applies whose patterns match the text before and after the offset.
`{1}`, `{2}` … in its hint are the groups of both patterns, those of `before` first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from dsl.syntax.vocabulary import ORDERS, RESERVED, SETTINGS

Where = Literal["file", "statement", "expression", ""]

FILE = "a file contains strategies, `strategy name { buy when … }`; begin all other text with `#`"


class Idiom(NamedTuple):
    """Idiom of another language, and the hint for it.

    Attributes:
        where: context in which it may occur; empty for any.
        before: regular expression that matches up to the error.
        at: regular expression that matches from the error on.
        hint: format string of the hint.
    """

    where: Where
    before: str
    at: str
    hint: str


_COMMENT = "a comment begins with `#`"
_ENTER = "write `buy when condition`"
_HOLD = "write `buy while condition`, which also sells when it no longer holds"
_NO_NAMES = "arguments have no names: pass them in order, as in `{1}(close, {2})`"
_LET = "name an expression with `let {1} = …`"
_WHERE = "write `where(condition, a, b)`"

# fmt: off
IDIOMS = tuple(Idiom(*row) for row in (
    # comments, and text around a program
    ("", "", r"//|/\*", _COMMENT),
    ("", "/", r"/", _COMMENT),
    ("file", "", r"```", "remove the ``` lines: a file contains only the program"),
    ("file", "", r"\{[^\"{}:]*\}", _COMMENT),
    ("file", "", r"(import|from)\b", "remove it: the language has no imports"),
    ("file", "", r"(def|function)\b", "write `define f(x: number) -> like x = …`"),
    ("file", "", r"(let|param)\b", "`{1}` belongs inside a strategy: `strategy name {{ {1} … }}`"),
    ("file", "", r"\}", "unmatched `}}`: remove it"),
    ("file", "", r"(STRATEGY|DEFINE|Strategy|Define)\b", "keywords are in lower case: write `strategy` or `define`"),
    ("", r"strategy\s*", r"\(", "write `strategy name {{ … }}`"),
    ("", r"strategy\s+", r"[\"']", "write the name without quotes: `strategy name {{`"),
    ("", r"strategy\s+(\w+)\s*", r"[- ]?\s*(\w+)", "a name is one word, such as `{1}_{2}`"),
    ("", r"strategy\s+(\w+)\s*", r":", "write `strategy {1} {{ … }}`"),
    ("", r"strategy\s*", r"\{", "a strategy needs a name: `strategy name {{`"),
    # statements
    ("statement", "", r"strategy\.(close|exit)|exit\b|sell_when|close_long", "write `sell when condition`"),
    ("statement", "", r"(?i:buy|sell)\s+(?:next|this)\b", "write `buy when condition`; the order fills at the next bar's open"),
    ("statement", "", r"while\b|(?:long|hold\w*|in_\w+)\s+while\b", _HOLD),
    ("", r"hold\s+", r"(?:while|when|if|until)\b", _HOLD),
    ("", r"(sell|cover)\s+", r"while\b", "write `{1} when condition`; `buy while …` and `short while …` include their exit"),
    ("", r"(buy|short)\s+", r"(?:as\s+long\s+as|during|whenever)\b", "write `{1} while condition`"),
    ("statement", "", r"strategy\.\w+|long\b|enter\w*|when\b|(?i:buy|sell)\s*=", _ENTER),
    ("statement", r"(?:\n|\{)\s*", r"if\b", _ENTER),
    ("", rf"({'|'.join(ORDERS)})\s+", r"if\b|on\b|close\b|\w+\s*[<>(]", "write `{1} when condition`"),
    ("statement", "", r"(?:take_profit|takeprofit|tp|profit_target)\b", "did you mean `target`?"),
    ("statement", "", r"(?:stop_loss|stoploss|sl)\b", "did you mean `stop`?"),
    ("statement", "", r"(?:trailing_stop|trailing)\b", "did you mean `trail`?"),
    ("statement", "", r"(?:var|varip|const|int|float|bool|auto)\s+(\w+)\s*:?=", _LET),
    ("statement", "", r"(\w+)\s*:?=(?![=>])", _LET),
    ("statement", "", r"(plot\w*|hline|bgcolor|alert\w*|print|indicator|study)\b", "`{1}` is not supported: remove it"),
    ("", r"(\d),?", r"(?:,)(\d{3}(?:\.\d+)?)(?!\d)", "numbers have no separators: write `{1}{2}`"),
    ("", r"(\d+)", r",(\d+)", "write `{1}.{2}`"),
    ("statement", "", r"[,;]", "statements need no separator"),
    ("", r"(let|param)\s+", rf"({'|'.join(RESERVED)})\b", "`{2}` is a reserved word: choose another name"),
    ("", r"let\s+(\w+)\s*=?", r"[:=]=?", _LET),
    ("", rf"({'|'.join(SETTINGS)})\s*", r"[:=]\s*([^\s}]+)", "write `{1} {2}`"),
    ("", r"(when|while)\s*", r":", "remove the colon: write `buy {1} condition`"),
    ("", r"hold\s+(\d+)\s*", r"(?:days|bars|candles)\b", "durations are in bars: write `hold {1}`"),
    ("", r"param\s+(\w+)\s*", r"in\b", "give it a value first: `param {1} = 20 in 5..60`"),
    ("", r"in\s+(-?[\d.]+)\s*", r"(?:-|to|\.\.\.|,)\s*([\d.]+)", "write `{1}..{2}`"),
    ("", r"in\s*", r"[\[(]\s*(-?[\d.]+)\s*,\s*([\d.]+)", "write `{1}..{2}`"),
    ("", r"param\s+(\w+)\s*=\s*", r"[\w.]+\(\s*(?:\w+\s*=\s*)?([\d.]+)", "write `param {1} = {2} in low..high`"),
    ("", r"param\s+(\w+)\s*=\s*", r"", "a param is a number; name an expression with `let {1} = …`"),
    # defines
    ("", r"define\s+\w+\([^)]*\)\s*", r"=", "declare the result: `-> bool`, `-> like x` or a kind"),
    ("", r"define\s+\w+\([^)]*", r"[,)]", "give each argument a kind: `x: number`, `n: window`"),
    # expressions
    ("", r",\s*", r"\)", "remove the `,` before it"),
    ("", r"\*\s*", r"\*", "write `power(x, 2)`"),
    ("", "", r"\^", "write `power(x, 2)`"),
    ("", "", r"[~]", "write `not`"),
    ("", "", r"&gt;", "write `>`"),
    ("", "", r"&lt;", "write `<`"),
    ("", r"<\s*", r">", "write `!=`"),
    ("", "", r"=>", "write `>=`"),
    ("", "", r"=<", "write `<=`"),
    ("", r"(\w+)\((?:[^()]*,)?\s*\w+\s*", r"=\s*([\w.]+)", _NO_NAMES),
    ("", r"\[\s*-?\d*\s*", r":", "a lag selects one bar, `close[1]`; for several bars write `highest(close, 5)`"),
    ("", r"(\w+)\[", r"['\"](\w+)['\"]", "write `{2}`"),
    ("", r"(\w+)\.rolling\((\d+)\)", r"\.\w+", "write `sma({1}, {2})`"),
    ("", r"lambda\s*", r"", "write `define f(x: number) -> like x = …`"),
    ("", r"[\d.]+ +", r"(?:percent|pct)\b", "write `{number}%`"),
    ("", r"[\d.]+ +", r"%", "write `{number}%`"),
    ("", "", r"%", "the language has no remainder operator; a percentage is a literal, such as `6%`"),
    ("", "", r"crosses\s+(?:above|over)|cross(?:es)?\b", "write `crossover(x, y)`"),
    ("", "", r"crosses\s+(?:below|under)", "write `crossunder(x, y)`"),
    ("", r"(\w+)\s+", r"of\s+(\d+)\s+bars?\s+ago", "write `{1}[{2}]`"),
    ("", r"(\w+)\s+", r"(\d+)\s+bars?\s+ago", "write `{1}[{2}]`"),
    ("", r"\S[^\n{]*", r"(?:if|else|then)\b", _WHERE),
    ("", "", r"\?", _WHERE),
    ("", "", r"strategy\.\w+|position\w*\b", "a rule cannot read the position: write the conditions that open and close it"),
    ("", r"([A-Za-z_]\w*) +", r"([A-Za-z_]\w*)\(", "an operator is missing before it, such as `*`; or did you mean `{1}_{2}`?"),
    ("", r"[\d.)] +", r"[A-Za-z_]\w*\(", "an operator is missing before it, such as `*` or `and`"),
    ("", "", r"(\d+)_(\d+)\b", "write `{1}{2}`"),
    ("", "", r"(0[xX][0-9a-fA-F]+)", "write `{hexadecimal}`"),
    ("", "", r"([\d.]+)([A-Za-z]\w*)", "write `{1} * {2}`"),
    ("", "", r"\$\s*([\d.]+)", "write `{1}`"),
    ("", "", r"=", "write `==` to compare"),
    ("", "", r"&", "write `and`"),
    ("", "", r"\|", "write `or`"),
    ("", "", r"!", "write `not`"),
    ("", "", r":", "a strategy contains no `:`; write `strategy name {{ … }}`"),
    ("", "", r";", "statements need no separator"),
    ("", r"about\s*", r"[\"\u201c][^\"\n]*\u201d", "use the plain quote \" at both ends: \"double quotes\""),
    ("", r"about\s*(?:\"\")?", r"\"", "write one text in \"double quotes\", with the closing \" on one line"),
    ("", "", r"[\u201c\u201d]", "use the plain quote \""),
    ("", "", r"'", "write text in \"double quotes\", and only after `about`"),
    ("", "", r"\"", "text is allowed only after `about`; a strategy reads one instrument and needs no symbol"),
))
# fmt: on

SIGNS = {
    "\u2265": ">=", "\u2264": "<=", "\u2260": "!=", "\u2212": "-", "\u2013": "-", "\u2014": "-",
    "\u00d7": "*", "\u00f7": "/", "\uff08": "(", "\uff09": ")", "\uff0c": ",", "\uff0e": ".",
    "\uff1e": ">", "\uff1c": "<", "\uff1d": "==", "\u2026": "",
}  # fmt: skip

_OTHERS = "it compares with other instruments, but a strategy reads one; "
_UNKNOWN = "an unknown value never triggers an order, so no test for it is needed"
_POSITION = "a rule cannot read the position; write a distance, such as `stop 5%`"
_ONE = "a strategy reads one instrument: the data that it runs on"
NAMES = {
    "na": _UNKNOWN, "nan": _UNKNOWN, "none": _UNKNOWN, "null": _UNKNOWN, "nz": _UNKNOWN,
    "np.nan": _UNKNOWN, "isnan": _UNKNOWN, "np.isnan": _UNKNOWN, "fillna": _UNKNOWN,
    "rank": _OTHERS + "for the rank among past values write `percentrank(x, n)`",
    "scale": _OTHERS + "to scale by past values write `zscore(x, n)`",
    "indneutralize": _OTHERS + "remove it",
    "group_neutralize": _OTHERS + "remove it",
    "sector": "a strategy reads one instrument, so nothing can be grouped",
    "ts_argmax": "write `highest_bar(x, n)`, which counts bars back from 0",
    "ts_argmin": "write `lowest_bar(x, n)`, which counts bars back from 0",
    "idxmax": "write `highest_bar(x, n)`, which counts bars back from 0",
    "idxmin": "write `lowest_bar(x, n)`, which counts bars back from 0",
    "hl2": "write `(high + low) / 2`", "ohlc4": "write `(open + high + low + close) / 4`",
    "median_price": "write `(high + low) / 2`",
    "o": "write `open`", "h": "write `high`", "l": "write `low`", "c": "write `close`",
    "v": "write `volume`", "price": "write `close`", "src": "write `close`",
    "average": "write `sma(x, n)`", "moving_average": "write `sma(x, n)`",
    "rolling_mean": "write `sma(x, n)`", "averagefc": "write `sma(x, n)`",
    "cross": "write `crossover(x, y)`", "crosses": "write `crossover(x, y)`",
    "request.security": _ONE, "security": _ONE,
    "entry_price": _POSITION, "position": _POSITION, "marketposition": _POSITION,
    "position_size": _POSITION, "bars_held": _POSITION, "entryprice": _POSITION,
    "macd_line": "write `macd(close, 12, 26)`", "signal": "write `macd_signal(close, 12, 26, 9)`",
    "bb": "write `bb_upper(close, 20, 2)` or `bb_lower(close, 20, 2)`",
    "bollinger": "write `bb_upper(close, 20, 2)` or `bb_lower(close, 20, 2)`",
    "keltner": "write `keltner_upper(20, 2)` or `keltner_lower(20, 2)`",
    "donchian": "write `highest(high, 20)` or `lowest(low, 20)`",
    "stochastic": "write `stoch_k(14)` or `stoch_d(14, 3)`",
    "aroon": "write `aroon_up(14)` or `aroon_down(14)`",
    "today": "write `close`; the previous bar is `close[1]`",
    "yesterday": "write `close[1]` for the previous bar",
    "random": "a strategy may depend only on its bars",
}  # fmt: skip


def suggest_at(text: str, start: int, where: Where) -> str:
    """Return the hint for the text at an offset; empty if no idiom matches."""
    before, at = text[max(0, start - 200) : start], text[start : start + 200]
    hint = _suggest_for_character(at[:1])
    if hint:
        return hint
    for idiom in IDIOMS:
        if idiom.where not in ("", where):
            continue
        left = re.search(f"(?:{idiom.before})\\Z", before)
        right = re.match(idiom.at, at) if left else None
        if left and right:
            groups = (*left.groups(), *right.groups())
            number = re.search(r"([\d.]+) *\Z", before)
            return idiom.hint.format(
                "", *groups,
                number=number.group(1) if number else "",
                hexadecimal=int(groups[0], 16) if idiom.at.startswith("(0[xX]") else "",
            )  # fmt: skip
    return ""


def suggest_for_name(name: str, args: Sequence[str] = ()) -> str:
    """Return the hint for a name of another language; empty if the name is not known.

    Args:
        name: the name as written, with its dots.
        args: arguments of the call as text, without the object of a method.
    """
    if name in ("True", "False", "TRUE", "FALSE"):
        return f"did you mean `{name.lower()}`?"
    owner, _, method = name.rpartition(".")
    if owner and method == "shift" and len(args) == 1:
        return f"write `{owner}[{args[0]}]`"
    known = NAMES.get(name) or NAMES.get(name.lower()) or NAMES.get(method.lower())
    if known:
        return known
    adv = re.fullmatch(r"adv(\d+)", name.lower())
    if adv:
        return f"write `sma(volume, {adv.group(1)})`"
    if re.match(r"input(\.\w+)?$", name):
        return "write a tunable number as `param n = 14 in 2..50`"
    if owner and args:
        return f"the language has no methods: write `{method}({', '.join([owner, *args])})`"
    if owner and method in ("open", "high", "low", "close", "volume"):
        return f"a strategy reads one instrument: write `{method}`"
    return ""


def _suggest_for_character(character: str) -> str:
    """Return the hint for a character that is not ASCII."""
    if not character or character.isascii() or character in "\u201c\u201d":
        return ""
    if character in SIGNS:
        return f"write `{SIGNS[character]}`" if SIGNS[character] else "remove it"
    shown = f"U+{ord(character):04X}"
    category = unicodedata.category(character)
    if category == "Nd":
        return f"write the digit {unicodedata.digit(character)}"
    if category in ("Cf", "Cc", "Mn"):
        return f"remove the invisible character {shown}"
    if category.startswith("Z"):
        return f"replace the space {shown} with a plain one"
    return f"names consist of the letters a-z and A-Z, digits and `_`; found {shown}"
