"""The reference CSMS: a small central system to try stations against. It is a TEST TARGET and nothing else.

It stands on mobilityhouse ``ocpp`` (frames, schemas, validators, routing) and ``websockets``, so that the stations of
this project are judged by code that was not written for them. It checks everything a station says, keeps what it said
in SQLite, answers by simple published rules (tokens by prefix), and can misbehave on request.

``app`` puts the parts together; ``session`` is one connection, ``handlers16`` and ``handlers2x`` are what it answers;
``transactions``, ``stations``, ``passwords`` and ``violations`` are what it remembers, ``store`` how; ``faults`` is how
it fails; ``api`` is its HTTP side; ``process`` runs it as a child.
"""
