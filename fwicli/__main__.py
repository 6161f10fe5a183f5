"""`python -m fwicli` is `fwi`."""

from fwicli.cli.main import main

if __name__ == "__main__":
    main()
