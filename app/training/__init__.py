"""Training the encoder's upper layers; needs `pip install '.[train]'`. Nothing at run time imports this."""
