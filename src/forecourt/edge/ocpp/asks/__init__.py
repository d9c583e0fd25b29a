"""Commands on their way to a station: each version's words for them, as tables.

A new command is a Struct in the stations room and a row in the table of each version that has it.
"""
