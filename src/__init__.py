"""Two-layer ReLU networks with an identity mapping: what the chapters of this book compute with."""
