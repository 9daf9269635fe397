"""Certification: the cases of the conformance tests, run against our own stations.

The parts, from the outside inwards: :mod:`runner` chooses cases, runs them on one station and collects verdicts;
:mod:`catalogue` knows which cases there are and when they apply (:mod:`pics`, :mod:`conditions`); a case is a function
in :mod:`cases16`, written in the words of :mod:`tester`; :mod:`rig` is the station on the test bench with the hands
that touch it and the central system that plays the tool; :mod:`reset` brings it back to the basic state;
:mod:`mutants` proves that every validation can fail.
"""
