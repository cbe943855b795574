"""`python -m benchmarks [SECTION…]`: measure some sections, or all but the long ones, and write docs/benchmarks.md."""

import argparse
import importlib
import os
import sys

from benchmarks.document import PATH, write

SECTIONS = {
    "worker": "Batcher and local engine",
    "reading": "What reads: summaries, sentiment, fact",
    "seeing": "What sees: pictures, digits, faces",
    "scraping": "Fetching from an exchange",
    "forecast": "Forecasts",
    "clustering": "Reviews into topics",
    "jobs": "What runs on a schedule",
    "ray": "The Ray engine",
    "soak": "Survival",
    "fuzz": "Fuzzing",
    "roundtrip": "The whole way, from the chat page and back",
}

LONG = {"soak", "fuzz"}
"""Measured only where they are named."""


def main() -> None:
    """Measure and write. Each section is a module here with `section()`, which returns Markdown."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure speed and memory.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--minutes", type=float, help="how long the soak goes on")
    parser.add_argument("--rate", type=float, help="how many requests a second the soak begins")
    parser.add_argument("--inputs", type=int, help="how many inputs are fuzzed with")
    given = parser.parse_args()
    for name in ("minutes", "rate", "inputs"):
        if (value := getattr(given, name)) is not None:
            os.environ[f"HEARTH_BENCH_{name.upper()}"] = str(value)
    chosen = given.sections or [name for name in SECTIONS if name not in LONG]
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    for name in chosen:
        sys.stderr.write(f"measuring: {SECTIONS[name]}\n")
        body = importlib.import_module(f"benchmarks.{name}").section()
        write(name, SECTIONS[name], body)
        print(body, end="\n\n")
    print(f"written to {PATH}")


if __name__ == "__main__":
    main()
