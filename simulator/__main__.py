"""The way in: `python -m simulator` and the `cpfarm` command are this one function.

The command line itself lives in `simulator.cli`. It takes half a second to import, and a Ctrl-C in that time is as
ordinary as one later: it ends the program without a traceback.
"""

import sys


def main() -> None:
    """Run the command line; 130 when interrupted, as a shell counts it."""
    try:
        from simulator.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
