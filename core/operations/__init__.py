"""What the people who run the installation do: create organisations, seed the demo, check, back up,
send samples, supervise.
"""
