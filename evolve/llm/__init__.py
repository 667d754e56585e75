"""The language model as a proposer: what it is told, how it is asked, what is made of its answers.

A model's text is data: it is parsed by the language or as YAML or JSON, and never executed.
"""
