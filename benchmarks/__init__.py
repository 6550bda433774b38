"""What minibento is measured by: `python -m benchmarks`; no part of the package that is shipped."""
