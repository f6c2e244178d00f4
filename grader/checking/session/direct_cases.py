"""Cases that are run by calling their test function, without pytest's steps around it.

pytest's setup, call and teardown of a case take longer than many a call into the box. A case has no
need of them if it asks for nothing but the fixtures of the checks' plugin and for its own
parameters, has no mark that pytest looks at, and if nobody has added to these steps.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import pytest

# The fixtures that are handed to such a case, in the order in which they are made.
FIXTURES = ("student", "expect", "rng", "notebook")
_STEPS = (
    "pytest_runtest_setup",
    "pytest_runtest_call",
    "pytest_runtest_teardown",
    "pytest_pyfunc_call",
    "pytest_fixture_setup",
    "pytest_fixture_post_finalizer",
)
_LOOKED_AT = frozenset(("skip", "skipif", "xfail", "usefixtures"))
_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_GENERATOR


def direct(
    config: pytest.Config, items: Iterable[pytest.Item], plugin: object
) -> frozenset[pytest.Item]:
    """Return the cases that pytest does nothing for but what ``plugin`` does as well."""
    if _others(config, plugin):
        return frozenset()
    return frozenset(filter(_is_direct, items))


def parameters(item: pytest.Function) -> dict[str, Any]:
    """Return the parameters of a case."""
    callspec = getattr(item, "callspec", None)
    return dict(callspec.params) if callspec is not None else {}


def _others(config: pytest.Config, plugin: object) -> bool:
    """Return whether there are steps of others than pytest and the plugin."""
    for name in _STEPS:
        for one in getattr(config.hook, name).get_hookimpls():
            own = one.plugin is plugin
            if not own and not getattr(one.plugin, "__name__", "").startswith("_pytest."):
                return True
    return False


def _is_direct(item: pytest.Item) -> bool:
    if type(item) is not pytest.Function or item.cls is not None:
        return False
    if inspect.unwrap(item.obj).__code__.co_flags & _ASYNC:
        return False
    if any(mark.name in _LOOKED_AT for mark in item.iter_markers()):
        return False
    info = getattr(item, "_fixtureinfo", None)  # pytest's own: another version may not have it
    defined = getattr(info, "name2fixturedefs", None)
    if info is None or defined is None:
        return False
    given = parameters(item)
    for name in item.fixturenames:
        # which the plugin's own fixtures ask for
        its_own = name == "request" and name not in info.argnames
        if not its_own and not _is_known(name, defined.get(name, ()), name in given):
            return False
    return True


def _is_known(name: str, definitions: Any, is_parameter: bool) -> bool:
    """Return whether a name stands for the plugin's own fixture, or for a parameter itself."""
    if len(definitions) != 1:  # an author has one of this name, or nobody
        return False
    function = definitions[0].func
    if is_parameter:  # else a fixture is given the parameter
        return str(function.__module__).startswith("_pytest.")
    return name in FIXTURES and function.__module__ == "grader.checking.session.plugin"
