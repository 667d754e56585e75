"""Random walks over the bytes that the matcher of a decoder allows."""

from __future__ import annotations

from random import Random
from typing import Any

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

END = 256
MAX_BYTES = 20_000


class _Bytes:
    """Tokenizer of 256 bytes and an end token."""

    eos_token_id = END
    bos_token_id = None
    tokens = (*[bytes([value]) for value in range(256)], b"<end>")
    special_token_ids = (END,)

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text if isinstance(text, bytes) else text.encode())


def build_tokenizer() -> Any:
    """Build the llguidance tokenizer of bytes."""
    return LLTokenizer(TokenizerWrapper(_Bytes()))


def list_messages(grammar: str) -> list[str]:
    """Return the errors and warnings of a grammar."""
    _, messages = LLMatcher.validate_grammar_with_warnings(grammar, build_tokenizer())
    return messages


def build_matcher(grammar: str) -> LLMatcher:
    """Build a reusable matcher of a valid grammar."""
    matcher = LLMatcher(build_tokenizer(), grammar, log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def accepts(matcher: LLMatcher, text: str) -> bool:
    """Return whether a text is a complete sentence."""
    matcher.reset()
    data = list(text.encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


def draw_sentence(matcher: LLMatcher, rng: Random) -> str:
    """Draw a sentence; where it may end, it ends with probability one half."""
    matcher.reset()
    sentence = bytearray()
    while not matcher.is_stopped():
        assert len(sentence) < MAX_BYTES, "the grammar does not end"
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        options = [token for token in range(END + 1) if mask >> token & 1]
        if END in options:
            if len(options) == 1 or rng.random() < 0.5:
                break
            options.remove(END)
        token = rng.choice(options)
        assert matcher.consume_token(token), matcher.get_error()
        sentence.append(token)
        forced = [each for each in matcher.compute_ff_tokens() if each != END]
        if forced and not matcher.is_stopped():
            matcher.consume_tokens(forced)
            sentence.extend(forced)
    return sentence.decode()
