"""The `loadtest` command."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from loadtest import cli, output  # inside, so that a Ctrl-C while it loads ends as quietly as later
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"loadtest: {error.name} is missing: make setup, or pip install .[loadtest], brings it\n"
        )
        return 3
    except KeyboardInterrupt:
        return 130
    try:
        output.prepare_streams()
        return cli.run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
