"""What goes over the wire of a bench, as the lines somebody's CSMS would have logged."""

from __future__ import annotations

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.wall import format_wall
from simulator.traces.model import Trace
from simulator.traces.read import read_trace


class WireLog:
    """An observer of a virtual fleet that keeps a log of frames and connections."""

    def __init__(self, epoch_us: int) -> None:
        self.epoch_us = epoch_us
        self.lines: list[str] = []

    def __call__(self, st: object, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        if isinstance(event, i.Frame):
            self._add(now, f"CSMS -> CP {event.data.decode('utf-8', 'backslashreplace')}")
        elif isinstance(event, i.LinkUp):
            self._add(now, f"connection opened, subprotocol {event.subprotocol}")
        elif isinstance(event, i.LinkDown):
            self._add(now, f"connection closed: {event.cause}")
        for effect in effects:
            if isinstance(effect, e.Send | e.RawSend):
                self._add(now, f"CP -> CSMS {effect.data.decode('utf-8', 'backslashreplace')}")
            elif isinstance(effect, e.Hangup):
                self._add(now, "connection closed: by the station")

    def _add(self, now: int, text: str) -> None:
        self.lines.append(f"{format_wall(self.epoch_us + now)} {text}")

    @property
    def text(self) -> str:
        """The whole log."""
        return "\n".join(self.lines)

    def trace(self) -> Trace:
        """The log, read as a pasted one is."""
        return read_trace(self.text, format="frames")
