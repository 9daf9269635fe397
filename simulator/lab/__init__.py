"""What tests and hunts are made of: a scripted CSMS, independent checkers, random fleets."""
