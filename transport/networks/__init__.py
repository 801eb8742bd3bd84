"""Networks of resistors: touching carbon spheres, and coated blocks with bonds between them."""
