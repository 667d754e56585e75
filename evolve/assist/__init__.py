"""Commands outside a run: request a strategy, show a prompt, check the installation."""
