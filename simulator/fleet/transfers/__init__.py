"""Uploads and downloads over http, https, ftp, ftps and sftp: one attempt each, for stations of the live driver.

``place`` reads an address, ``limits`` says what is allowed and how fast it may go, ``http``, ``ftp`` and ``sftp`` move
the bytes. An attempt ends in a :class:`~simulator.fleet.transfers.limits.TransferFailed` with one of the causes that
``core/jobs.py`` lists, or in a :class:`~simulator.fleet.transfers.limits.Flow` that has counted and hashed what passed.
Nothing keeps a body in memory beyond the head that a firmware block wants to see, except what a local controller
publishes (``site``). Who asks for attempts, how many run
at a time and what becomes of them is ``fleet/jobs.py``'s affair.

The modules that need a protocol library are imported with the first transfer, not with a farm: most runs have none.
"""
