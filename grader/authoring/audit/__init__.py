"""Audits the checks: they must fail wrong solutions and pass right ones."""
