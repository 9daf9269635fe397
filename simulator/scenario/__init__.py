"""Scenarios: what happens at stations, and what a CSMS must make of it, as YAML that reads like sentences.

::

    title: A driver charges, and a blocked token does not stop the session
    because: other people's cards must not end it
    tags: [sessions]
    steps:
      - plug
      - present: valid
      - expect: {message: transaction started, answer: Accepted, save: {tx: answer.transaction}}
        ocpp: 1.6
      - wait: 10 minutes
      - present: blocked
      - expect: {no: transaction ended, within: 1 minute}
        because: the session belongs to somebody else
      - present: valid
      - expect: transaction ended
      - unplug
    ledger: {transactions: 1, energy: equal, undelivered: 0, open: 0}

``cpfarm scenario run FILE|DIR...`` plays each once per profile and version, in memory on a stepped clock: days take
milliseconds. With ``--target FILE`` or ``--csms URL`` the same files run on sockets against that CSMS (``--live``:
against a reference CSMS started for it; ``--speed 60`` lets the stations live faster; what would still take more than
``--longest``, an hour, is SKIPPED). ``cpfarm scenario schema`` is the same language for an editor.

**Header.** ``title``; ``because``, ``tags``, ``case`` (conformance cases), ``source`` (links). ``ocpp``: versions it is
for (``2.x`` means 2.0.1 and 2.1), all of the profile's without. ``profile``: on which it runs without ``--profile``
(names or globs; generic/ac-single). ``needs``: what a profile must have (``evses``, ``cable``, ``current``, ``actions``
it serves, ``settings``, ``bay_sensor``, ``power_loss``; ``without``: quirks that would get in the way, ``keeps``: rules
that no quirk of its own may break), else NOT_APPLICABLE. ``stations: 3``, or ``groups`` of ``{name, count, profile}``.
``settings`` (either name) and ``quirks`` on top of the profile's. ``seed``. ``begin: off``: stations are not switched
on before a step says ``power: {on: true, how: switch}``; else the steps begin when they have booted and said so.
``security: {profile: 1, password: wrong}``: how they get in. ``registration: Pending`` (with ``begin: off``): how the
CSMS answers the first BootNotification. ``variables``: constants. ``ledger``: what must be true in the end (numbers or
``>= 2``; ``energy: equal``). ``checks``: ``default``, ``none``, or a list of all_booted, all_calls_answered,
no_callerrors, no_schema_violations, stops_delivered.

**A step** is one name with its parameters; a bare value stands for the first of them. Beside it may stand ``because``,
``at`` (which stations: ``all``, a group's name, a number from 1, ``30% of homes``; all without) and ``ocpp``. A step
with nothing but such words beside it needs its colon: ``- plug:`` and ``at: homes`` below it.

==================  ===================================================================================================
plug unplug park    ``plug``, ``plug: {evse: 2, side: station, car: {soc: 0.2}}``, ``unplug: {side: ev}``
present press       ``present: valid`` (a role of the target's tokens), ``present: {token: blocked, evse: 2}``
suspend resume      ``suspend: ev``, ``resume: evse``
network power boot  ``network: off``, ``network: {on: false, how: half_open}``, ``power: off``, ``boot: hard``
inject clear        ``inject: {fault: meter.register_frozen, params: {}, for: 5 minutes}``, ``clear: NAME``
drivers             ``drivers: {habit: public_ac, for: 1 day}``: people come and go by a habit (home, workplace, dc_hub)
set                 ``set: {HeartbeatInterval: 60}``: the installer changes settings at the station
data transfer       ``data transfer: {vendor: org.example, message: hello, data: text}``: a message of its vendor
registration        ``registration: Accepted`` (Pending, Rejected): how the CSMS answers the next BootNotification
wait                ``wait: 90s``
wait for            ``wait for: online`` (offline, refused, off, in a transaction, in no transaction, delivered);
                    ``wait for: {status: Charging, evse: 1, within: 1 minute}``; ``wait for: {message: heartbeat}``
expect              ``expect: transaction started``; ``expect: {no: NAME, within: 1 minute}``;
                    ``expect: {message: NAME, from: csms, where: {field: value}, answer: Accepted, within: 10s}``;
                    also ``times: 2``, ``save: {name: field}``
operator            ``operator: reset``; ``{do: remote start, with: {token: valid, evse: 1}, answer: Accepted}``;
                    ``{do: GetVariables, payload: {...}}``
repeat each         ``repeat: {times: 3, every: 1h, until: Faulted, as: n, steps: [...]}``;
                    ``each: {of: [1, 2], as: evse, steps: [...]}``
parallel together   ``parallel: [...]`` at the same time; ``together: [...]`` makes one step of several
==================  ===================================================================================================

**Messages** have meanings that hold in every version: boot, heartbeat, authorize, status, transaction started,
transaction updated (2.x), transaction ended, meter values, firmware status, log status, security event, monitor event
(2.x); of the CSMS: remote start, remote stop, unlock, reset, change availability, trigger, reserve, cancel reservation,
clear cache, configure. So have their fields: token, evse, transaction, register (Wh), reason, status, time, ... and
``answer.status``, ``answer.transaction``; :mod:`simulator.scenario.words` is the list. An action's own name and paths
such as ``meterValue[*].sampledValue[0].value`` do as well, and so does a list, of which any will do. Statuses are
written in the nine words of 1.6. The operator's arguments are those of ``words.VERBS``.

**Values** are compared as they are, or ``any``, ``absent``, ``>= 5``, ``< 5``, ``!= x``, ``~ regular expression``, or a
list of which one must do.

**Variables.** ``save: {name: field}`` keeps a field of the message, ``answer.field`` one of its answer, for the station
it happened at; ``$name`` or ``${name}`` puts it anywhere. Always there: ``$station``, ``$token.valid`` (the token of a
role), ``$transaction`` (the CSMS's name of the station's last one), ``${now + 1h}`` (a time as text;
``${real + 1h}`` by the clock of the CSMS, which is another one where stations live faster), ``$firmware`` (the address
of an image) and ``$uploads`` (where logs go). ``--set name=value`` goes before everything.

**What an expectation looks at.** Acts (plug, present, operator, ...) open a window, acts in a row share one. An
expectation takes the first message of the window, seen already or still to come ``within`` (30 s), that no other
expectation took. So their order does not matter and one message serves one expectation. ``no`` looks at the whole
window and at the time from now on.

**Verdicts.** FAIL: an expectation, a check or the ledger does not hold. INCONCLUSIVE: a ``wait for`` was never
reached, so there was nothing to judge. NOT_APPLICABLE: the profile cannot, as ``needs`` say, or because it is not one
the scenario names and does not get through it with a sound CSMS either. SKIPPED: the target cannot.
"""
