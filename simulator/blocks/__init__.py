"""One module per OCPP functional block: its state and its decisions, no wire words.

A block reads any fact of the station, writes only its own (``core/connector.OWNERS``), never calls another block and
never sends; it publishes reports. Importing this package fills the tables of ``core/wiring.py``; the list is explicit.
"""

from simulator.blocks import (
    authorization,
    availability,
    certificates,
    data_transfer,
    device_model,
    diagnostics,
    grant,
    local_list,
    local_lookup,
    metering,
    product_settings,
    provisioning,
    remote_control,
    reservation,
    security_events,
    security_profile,
    signing,
    token_cache,
    transaction_record,
    transactions,
)
from simulator.core import lifecycle, link_policy, outbox, power_path, trial

__all__ = [
    "authorization",
    "availability",
    "certificates",
    "data_transfer",
    "device_model",
    "diagnostics",
    "grant",
    "lifecycle",
    "link_policy",
    "local_list",
    "local_lookup",
    "metering",
    "outbox",
    "power_path",
    "product_settings",
    "provisioning",
    "remote_control",
    "reservation",
    "security_events",
    "security_profile",
    "signing",
    "token_cache",
    "transaction_record",
    "transactions",
    "trial",
]
