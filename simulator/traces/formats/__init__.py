"""The formats of logs and captures that can be read: one small module each, and the table of them."""

from simulator.traces.formats import alfen, csvfile, frames, jsonl, mobilityhouse, steve
from simulator.traces.formats.table import FORMATS, Format, sniff

for _module in (alfen, csvfile, frames, jsonl, mobilityhouse, steve):
    FORMATS.add(_module.FORMAT.name, _module.FORMAT)
FORMATS.freeze()

__all__ = ["FORMATS", "Format", "sniff"]
