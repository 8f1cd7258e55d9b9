"""Training the encoder's layers; needs `pip install '.[train]'`. Nothing at run time imports this."""
