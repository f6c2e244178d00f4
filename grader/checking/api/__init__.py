"""What an author writes a check with: `student`, `expect`, `notebook`, and what their values may be
asked.
"""
