"""The pictures of the documentation, as SVG: `make pictures` writes them to docs/images.

Each has a module with a function `draw`. Those of figures are drawn from what the benchmarks wrote.
"""
