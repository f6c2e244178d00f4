"""A market stall: its money, its stock, its till and its journal."""
