"""Bringing a database to the state that this version of the product needs: roles, tables, queue,
security layer.
"""
