"""The command line: `python -m refold_async` does the same as `refold`."""

from refold_async.cli.main import main

if __name__ == "__main__":
    main()
