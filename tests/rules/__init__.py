"""An example of every rule and its nearest neighbour, and what is found in them."""
