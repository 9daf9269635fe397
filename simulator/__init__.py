"""cpfarm: thousands of virtual OCPP charge points on emulated hardware, to test a charging station management system.

The package keeps a hard line through its middle. On one side stand the pure packages (`core`, `blocks`, `hardware`,
`world`, `quirks`, the two dialects, and the frame and codec modules of `wire`): they are given the time and every
random number, and hand back what they want done. On the other side stand the drivers that own sockets, clocks, files
and the command line. Nothing is imported here, so that importing one part never pays for another.
"""

__version__ = "0.1.0"
