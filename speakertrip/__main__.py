"""The entry point of ``speakertrip`` and ``python -m speakertrip``: no failure may look like "rejected" (1)."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from speakertrip.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except Exception as error:  # a failed import too: Python itself would exit with 1
        sys.stderr.write(f"speakertrip: cannot start: {error!r}; install it again.\n")
        code = 70
    sys.exit(code)


if __name__ == "__main__":
    main()
