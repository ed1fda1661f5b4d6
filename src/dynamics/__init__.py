"""How the network moves: SGD, the gradient flow, the flow linearised at the teacher, the flow in three variables."""
