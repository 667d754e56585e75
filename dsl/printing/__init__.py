"""Text of programs and operators."""
