"""The syntax people write: `strategy.lark`, read with importlib.resources."""
