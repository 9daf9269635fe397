"""Keys, certificates and the small authorities of a test; see ``work``, ``keystore`` and ``authority``."""
