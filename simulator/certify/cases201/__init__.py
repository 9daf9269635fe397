"""The cases of OCPP 2.0.1, one module per block of the specification."""
