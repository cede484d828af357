"""The pictures of the documentation, as SVG: `make pictures` writes them to docs/images.

Each picture has a module with a function `draw`. Charts are drawn from the results of the benchmarks.
"""
