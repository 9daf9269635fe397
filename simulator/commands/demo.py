"""``cpfarm demo``."""
def demo() -> None:
    """Later."""
    raise SystemExit(2)
