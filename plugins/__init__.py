"""Hearth's own capabilities, one folder each; discovered, never imported by name."""
