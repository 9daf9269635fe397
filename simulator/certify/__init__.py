"""Certification: the cases of the conformance tests, run against our own stations."""
