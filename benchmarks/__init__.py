"""Speed and memory of Hearth, measured on the machine at hand: `python -m benchmarks`."""
