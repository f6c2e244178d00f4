"""An assignment on disk: its spec, its expectations, its known mistakes."""
