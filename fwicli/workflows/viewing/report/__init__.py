"""`fwi report`: what a run was, did and reached, in sections of one page."""
