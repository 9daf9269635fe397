"""What people really have when something went wrong: logs and captures. Reading them, matching quirks, scrubbing.

``model`` is what a reader gives, ``read`` reads any known format, ``signs`` recognise quirks, ``scrub`` takes out what
must not be passed on. Nothing here opens a connection or runs a station.
"""
