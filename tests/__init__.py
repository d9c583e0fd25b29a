"""The tests. Folders below are packages only where one has to be: see edge/ocpp."""
