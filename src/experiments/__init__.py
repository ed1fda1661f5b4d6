"""Section 5 of the paper: networks, training, data sets."""
