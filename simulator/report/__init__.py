"""What a run says about itself when it is over: summary, checks, storms, plain text, JUnit and HTML.

Everything here is computed from records (through ``simulator/metrics.py`` and ``simulator/ledger.py``) and from facts
the caller hands in; nothing looks at a clock. Nothing is imported here, so that one format never pays for another.
"""
