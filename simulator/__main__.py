"""`python -m simulator` is the same program as the `cpfarm` command.

It is for environments where the package can be imported but its script folder is not on the path. There is nothing
to decide here: the command line lives in `simulator.cli`.
"""

from simulator.cli import main

if __name__ == "__main__":
    main()
