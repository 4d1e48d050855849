"""Bringing a database to what this version of the product needs: roles, tables, queue, security
layer.
"""
