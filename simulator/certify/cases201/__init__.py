"""The cases of OCPP 2.0.1, one module per group. How to write one:

1. Find the row in ``octt201.csv`` and read the steps in part 6 of the specification. Declare a function under the id::

       @case_201("TC_F_08", states=[energy_started])
       def remote_stop(t: Tester201) -> None:
           stopped_remotely(t)
           ev_connected_after(t)

2. The rest is as for 1.6 (``cases16/__init__.py``), with :class:`simulator.certify.tester201.Tester201` for the words:
   ``t.status`` and ``t.event`` stand for a status of a connector and an event of a transaction, to be given to
   ``t.hear`` or ``t.any_order``; ``t.alert`` takes an event of a monitor out of whatever NotifyEvent it is in;
   ``t.read``, ``t.configure`` and ``settings=`` take names like ``TxCtrlr.TxStartPoint``; a setting the product need
   not have stands in ``if_implemented``.
3. States are in :mod:`simulator.certify.states201`. Those of a session know the start and stop points of the moment and
   expect what these ask for, so that a case that only walks through states holds for every configuration.
   Words of one subject have modules of their own: certificates, passwords and connections in ``states201_security``,
   the tool's second address in ``states201_network``. ``security=`` and ``sockets=`` are as for 1.6; with
   ``t.rig.tells_connections`` an attempt that came to nothing is a message, too (``ConnectionAttempt``).
4. Between cases :mod:`simulator.certify.reset201` writes every variable back, clears list, cache, profiles, monitors.
"""

from simulator.certify.cases201 import (
    alerts,
    authorization,
    availability,
    boot,
    certificates,
    charging_profiles,
    composite_schedules,
    customer,
    data_transfer,
    firmware,
    listed,
    local_list,
    logs,
    meter_values,
    monitor_reports,
    monitors,
    network,
    offline,
    remote,
    reports,
    reservation,
    resets,
    security,
    signed_values,
    starts,
    stops,
    variables,
)

__all__ = [
    "alerts",
    "authorization",
    "availability",
    "boot",
    "certificates",
    "charging_profiles",
    "composite_schedules",
    "customer",
    "data_transfer",
    "firmware",
    "listed",
    "local_list",
    "logs",
    "meter_values",
    "monitor_reports",
    "monitors",
    "network",
    "offline",
    "remote",
    "reports",
    "reservation",
    "resets",
    "security",
    "signed_values",
    "starts",
    "stops",
    "variables",
]
