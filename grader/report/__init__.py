"""Turns a Report into text for people and machines; meets neither sandbox nor submission."""

from grader.report.audience import Audience, view

__all__ = ["Audience", "view"]
