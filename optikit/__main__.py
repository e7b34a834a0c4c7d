"""``python -m optikit`` is the command line, where the program ``optikit`` is not on the path."""

from optikit.cli import main

if __name__ == "__main__":
    main()
