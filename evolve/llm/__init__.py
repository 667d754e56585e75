"""Language models as proposers: prompts, requests and the parsing of answers.

The text of a model is data. It is parsed as a strategy, YAML or JSON, and never executed.
"""
