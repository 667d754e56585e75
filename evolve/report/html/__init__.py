"""Renderer of pages as HTML with charts."""
