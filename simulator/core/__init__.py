"""The pure station: one object per simulated charging station, no clock, no socket, no thread, no log."""
