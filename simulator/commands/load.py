"""``cpfarm load``."""
def load() -> None:
    """Later."""
    raise SystemExit(2)
