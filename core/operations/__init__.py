"""What whoever runs the product does: make organisations, seed a demo, check, back up, send
samples, supervise.
"""
