"""Sentences drawn by a random walk over the bytes that a decoder's matcher allows."""

from __future__ import annotations

from random import Random
from typing import Any

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

END = 256
LONGEST = 20_000


class _Bytes:
    """A tokenizer of 256 bytes and an end token."""

    eos_token_id = END
    bos_token_id = None
    tokens = (*[bytes([value]) for value in range(256)], b"<end>")
    special_token_ids = (END,)

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text if isinstance(text, bytes) else text.encode())


def tokenizer() -> Any:
    """Bytes as llguidance wants them."""
    return LLTokenizer(TokenizerWrapper(_Bytes()))


def complaints(grammar: str) -> list[str]:
    """Errors and warnings of a grammar."""
    _, messages = LLMatcher.validate_grammar_with_warnings(grammar, tokenizer())
    return messages


def matcher(grammar: str) -> LLMatcher:
    """A matcher that may be used again and again; the grammar must be sound."""
    made = LLMatcher(tokenizer(), grammar, log_level=0)
    assert not made.is_error(), made.get_error()
    return made


def accepts(matcher: LLMatcher, text: str) -> bool:
    """Whether a text is a whole sentence."""
    matcher.reset()
    data = list(text.encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


def sentence(matcher: LLMatcher, rng: Random) -> str:
    """One sentence; where it may end, it does half of the time."""
    matcher.reset()
    written = bytearray()
    while not matcher.is_stopped():
        assert len(written) < LONGEST, "the grammar does not end"
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        options = [token for token in range(END + 1) if mask >> token & 1]
        if END in options:
            if len(options) == 1 or rng.random() < 0.5:
                break
            options.remove(END)
        token = rng.choice(options)
        assert matcher.consume_token(token), matcher.get_error()
        written.append(token)
        forced = [each for each in matcher.compute_ff_tokens() if each != END]
        if forced and not matcher.is_stopped():
            matcher.consume_tokens(forced)
            written.extend(forced)
    return written.decode()
