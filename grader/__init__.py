"""Makes, hands out and grades numerical-Python assignments, with reports that teach."""

__version__ = "0.1.0"
