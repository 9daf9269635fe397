"""What a station costs: microseconds for each call, bytes for each station. ``python -m simulator.bench``.

Two measurements. *In memory*: the whole path of a call through a station without a socket (tick, sample, rules, outbox,
render, encode, decode, match, record, metrics), as microseconds and as a ratio to a fixed loop of plain Python, which
makes it comparable between machines. *Live*: stations of a shipped profile on real sockets in one process, beside a
bare client of the ``ocpp`` package that sends the same messages with its validation on; both against one sink, in
turns, so that whatever else the machine does falls on both.

Figures are CPU time of the client process as the kernel accounts it, sockets included, because a closed loop's calls
per second say as much about the sink and the loopback as about the client.
"""
