"""OCPP 1.6: translates between its messages and the version-neutral blocks, and does nothing else."""

from simulator import blocks as _blocks  # noqa: F401  (fills the wiring tables)
from simulator.blocks.authorization import GROUP_FIRST, NO_RETURN_TIME
from simulator.blocks.certificates import BAD_ROOT_TOLD
from simulator.blocks.metering import DEFAULT_MEASURAND, KEEPS_ALIGNED
from simulator.core.dialect import Dialect
from simulator.ocpp16 import (
    authorization,
    availability,
    certificates,
    data_transfer,
    diagnostics,
    firmware,
    local_list,
    messages,
    metering,
    provisioning,
    remote_control,
    reservation,
    security,
    smart_charging,
    transactions,
    triggers,
)
from simulator.ocpp16.policy import Policy16

#: neutral error kind -> wire code (OCPP-J 1.6 4.2.3 and errata)
ERROR_CODES = {
    "formation": "FormationViolation",
    "occurrence": "OccurenceConstraintViolation",  # spelt so in the specification
    "property": "PropertyConstraintViolation",
    "type": "TypeConstraintViolation",
    "not_implemented": "NotImplemented",
    "not_supported": "NotSupported",
    "internal": "InternalError",
    "protocol": "ProtocolError",
    "rpc_framework": "FormationViolation",
    "message_type": "FormationViolation",
    "security": "SecurityError",
    "generic": "GenericError",
}

DIALECT_16 = Dialect(
    "1.6",
    "ocpp1.6",
    messages,
    ERROR_CODES,
    unreadable_id=None,
    refused_kind="generic",
    # OCPP-J 1.6 4.1.3: a message of an unknown type is ignored
    never_answered=frozenset({"protocol", "message_type"}),
)
#: what 1.6 decides otherwise (certification cases TC_068_CS, TC_070_CS and TC_071_CS; 3.7, 4.10)
DIALECT_16.capabilities = frozenset({GROUP_FIRST, DEFAULT_MEASURAND, NO_RETURN_TIME, KEEPS_ALIGNED, BAD_ROOT_TOLD})
DIALECT_16.adopt(
    provisioning.table,
    authorization.table,
    transactions.table,
    remote_control.table,
    availability.table,
    metering.table,
    data_transfer.table,
    firmware.table,
    diagnostics.table,
    security.table,
    smart_charging.table,
    certificates.table,
    triggers.table,
    triggers.extended_table,
    local_list.table,
    reservation.table,
)
DIALECT_16.policy = Policy16()
DIALECT_16.rejected_is_silent = True
DIALECT_16.password_is_hex = True  # AuthorizationKey, security white paper A00.FR.205
