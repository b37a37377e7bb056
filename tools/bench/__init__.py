"""The benchmarks behind ``make bench``: what our code costs, against the same without it."""
