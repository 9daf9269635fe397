"""Signs by which a log shows the documented behaviours of real products. Importing this package fills the table."""

from simulator.traces.signs import (
    boot,
    config,
    connect,
    meter,
    meter_form,
    meter_moment,
    remote,
    smart,
    status,
    time,
    tx,
)
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import HITS_MAX, SIGNS, Confidence, Hit, Sign
from simulator.traces.signs.unseen import UNSEEN

#: where signs are; a module bears the name of the category of its quirks
MODULES = (boot, connect, status, meter, meter_form, meter_moment, tx, remote, config, time, smart)

SIGNS.freeze()

__all__ = ["HITS_MAX", "MODULES", "SIGNS", "UNSEEN", "Confidence", "Hit", "Sign", "Story"]
