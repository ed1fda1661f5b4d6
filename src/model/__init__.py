"""What the network is: exact loss, gradient and Hessian, the potential and its relatives, weights with given norms."""
