"""Answers what stand-ins in another box ask: this box holds the reference and no student code."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from grader.sandbox.inside.work.second_runs.kept_calls import (
    ITSELF,
    Shelf,
    is_opaque,
    parts_of,
    size_of,
)
from grader.sandbox.wire import Decoder, Encoder, Frame, Ref, WireError


class Answers:
    """Calls the reference's functions for stand-ins, and keeps what they return."""

    def __init__(self) -> None:
        self._results = Shelf()

    def forget(self) -> None:
        """Begin a new case."""
        self._results.clear()

    def answer(self, frame: Frame) -> Frame:
        """Do each step; the last one's results are the reply, each with whether it is opaque."""
        decoder = Decoder(frame.blobs)
        container, results = "", list[Any]()
        for step in frame.body["steps"]:
            container, results = self._step(step, decoder)
        encoder = Encoder(lambda value: Ref(0, ""))
        values = [[encoder.encode(value), is_opaque(value)] for value in results]
        return Frame({"ok": True, "container": container, "values": values}, tuple(encoder.blobs))

    def _step(self, step: dict[str, Any], decoder: Decoder) -> tuple[str, list[Any]]:
        args = list(map(functools.partial(self._value, decoder=decoder), step["args"]))
        kwargs = {str(name): self._value(item, decoder) for name, item in step["kwargs"]}
        target: Any = importlib.import_module(step["module"])
        for part in step["function"].split("."):
            target = getattr(target, part)
        for name, item in step.get("state", ()):
            if name in vars(args[0]):
                setattr(args[0], name, decoder.decode(item))
        result = target(*args, **kwargs)
        container, results = parts_of(result)
        if isinstance(target, type):
            self._results.put_object(step["number"], (result, results))
        else:
            size = sum(map(size_of, (*args, *kwargs.values(), *results)))
            self._results.put(step["number"], (result, results), size)
        return container, results

    def _value(self, item: dict[str, Any], decoder: Decoder) -> Any:
        if "made" not in item:
            return decoder.decode(item["value"])
        number, index = item["made"]
        try:
            result, results = self._results.get(number)
        except KeyError:
            raise WireError("a value that is not kept any more") from None
        return result if index == ITSELF else results[index]
