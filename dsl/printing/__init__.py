"""Programs and operators to text."""
