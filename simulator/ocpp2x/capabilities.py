"""Words for what only some editions of 2.x have.

A dialect lists the words it has in ``Dialect.capabilities``; ``@table.on(..., since=WORD)`` and the few functions that
must differ ask for the word, never for a version.
"""

from __future__ import annotations

#: what OCPP 2.1 has and 2.0.1 has not
V21 = "edition21"
