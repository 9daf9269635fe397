"""The cases of OCPP 1.6, one module per group. How to write one:

1. Find the row in ``octt16.csv`` (id, condition, ``document``) and read the steps in the test case document. Declare a
   function under the id, or under both ids where one text serves a local and a remote form (``t.id`` says which runs)::

       @case("TC_012", states=[charging])
       def remote_stop(t: Tester) -> None:
           t.call(2, "RemoteStopTransaction", {"transactionId": t.transaction_id}, status="Accepted")
           t.any_order(
               message(3, "StopTransaction", reason="Remote"),
               message(5, "StatusNotification", connectorId=t.connector, status="Finishing"),
           )

2. What must hold before: ``settings={key: value}`` (a value may be a function of the tester; list keys a product need
   not have in ``if_implemented``), ``memory=[cached, local_list("valid")]``, ``states=[charging, ...]`` from
   :mod:`simulator.certify.states`. They are established in this order, after 000_RESET.
3. Each look at the station has the number of its step. ``t.expect`` takes the next message of the station, whatever it
   is; use ``t.any_order`` where the document allows both orders, ``t.maybe`` for optional messages, ``t.statuses`` for
   one status per connector, ``t.never`` for what must not come, ``t.call`` for a request of the tool (step of the
   answer), ``t.validate`` for further fields of a message you hold. Fields are wire names, nested as ``a.0.b``; a
   value, or a rule: ``one_of("Local", OMITTED)``, ``PRESENT``, ``not_equal(...)``, ``such_that("text", function)``.
4. The tool answers by itself: boots accepted, tokens by role (``t.valid``, ``t.invalid``, ...). ``t.answer_next`` and
   ``t.answer_always`` change that, ``t.verdict_on`` what it says of a token. All of it ends with the case.
5. Hands: ``t.plug``, ``t.unplug(side)``, ``t.present(token)``, ``t.power_cycle()``, ``t.wait(s)``, and through
   ``t.rig`` the rest (``network(up)``, ``mains(on)``, ``inject(name, fault, connector)``, ``ev_ready``). 000_RESET
   undoes what hands did, cancels reservations made with :func:`states.reservation`, clears profiles, list and cache,
   and sets every writable key back. What cannot be undone asks for ``fresh=True``. Files for transfers lie in
   ``t.rig.files``, which a case finds empty.
   ``security=(1, 2)`` has the case run once for each of these security profiles, on a station delivered with it;
   ``t.rig.security`` is the tool's authority, passwords and door. A connection that was let in is a message
   ``Connect`` (fields: ``CONNECT_SCHEMA`` in :mod:`simulator.certify.security`). ``sockets=True`` has it run over real
   TLS too (:mod:`simulator.certify.sockets`).
6. Prefer ``t.validate`` and fields to ``t.check``: mutants are derived from them without any code of yours
   (:mod:`simulator.certify.mutants`): the field is altered or the message dropped between station and tool, and the
   case must fail at that very validation. A case without a validation a mutant can reach fails the tests.
7. ``cpfarm certify station --case TC_012`` runs it; ``tests/certify/test_cases16.py`` picks it up by itself.

Never copy the document's sentences; ids, message and field names are facts. Errata win over a case.
"""

from simulator.certify.cases16 import (
    boot,
    configuration,
    diagnostics,
    faults,
    firmware,
    local_list,
    meter_values,
    offline,
    power,
    remote,
    reservation,
    resets,
    security,
    sessions,
    smart_charging,
    stops,
    triggers,
    unlock,
)

__all__ = [
    "boot",
    "configuration",
    "diagnostics",
    "faults",
    "firmware",
    "local_list",
    "meter_values",
    "offline",
    "power",
    "remote",
    "reservation",
    "resets",
    "security",
    "sessions",
    "smart_charging",
    "stops",
    "triggers",
    "unlock",
]
