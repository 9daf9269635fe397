"""Many stations: their plan, their clock, and the drivers that carry out what they ask for."""
