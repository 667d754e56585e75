"""Prompts: templates, the values they use and the choice of task and parents."""
