"""Other global-convergence theorems, one module each, run and judged as the paper is."""
