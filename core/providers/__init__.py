"""One module per outside system: signature check, payload → domain action, client. Provider words
stop here.
"""
