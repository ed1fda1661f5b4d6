"""What the paper says about the model and its dynamics: bounds, searches, and the quantities that verdicts rest on."""
