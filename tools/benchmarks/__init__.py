"""What `make bench` times: a reader's way (plain), the clock and the machine's limits (timing), the rows."""
