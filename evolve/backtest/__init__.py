"""Signals to money: fills, costs, equity, trades and what they are worth."""
