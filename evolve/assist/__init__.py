"""Help outside a run: ask a model, show a prompt, check the installation."""
