"""A Report turned into text for people and machines. Pure: it meets neither the sandbox nor a
submission's folder.
"""

from grader.report.audience import Audience, view

__all__ = ["Audience", "view"]
