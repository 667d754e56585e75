"""What the indicators, conditions and events must give; see references.py."""
