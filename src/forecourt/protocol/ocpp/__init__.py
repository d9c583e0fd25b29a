"""OCPP: the messages of 1.6, 2.0.1 and 2.1 as types, and the OCPP-J conversation.

Must not know sockets, clocks or rooms.
"""
