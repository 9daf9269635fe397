"""OCPP 2.0.1 and 2.1: translates between their messages and the version-neutral blocks, and does nothing else.

Both versions adopt the same tables, one for each block. A function gets its version's module of messages as ``m`` and
builds every payload through ``m.make``, which leaves out the fields that only 2.1 has.
"""

from typing import Any

from simulator import blocks as _blocks  # noqa: F401  (fills the wiring tables)
from simulator.blocks.certificates import ANY_ROOT_GOES, COUNTS_OWN, IN_FORCE_ONLY
from simulator.blocks.charging_profiles import SURE_PHASES, UNIQUE_LEVELS
from simulator.blocks.firmware import LATE_CHECK
from simulator.blocks.inventory.controllers import TOKENS_TOLD
from simulator.blocks.logs import NO_REDIRECTS
from simulator.blocks.reservation import TOKEN_USES
from simulator.blocks.signed_values import EACH_BY_ITSELF
from simulator.blocks.smart_charging import GIVES_WAY, POWER_DIVIDED
from simulator.core.dialect import Dialect
from simulator.core.link_policy import PASSWORD
from simulator.core.security_event import EVENTS_ALWAYS
from simulator.ocpp2x import (
    authorization,
    availability,
    certificates,
    customer,
    data_transfer,
    diagnostics,
    firmware,
    local_list,
    logs,
    messages_21,
    messages_201,
    metering,
    monitoring,
    network,
    network_rows,
    provisioning,
    publishing,
    remote_control,
    reporting,
    reservation,
    security,
    smart_charging,
    tariff,
    transactions,
    triggers,
    variables,
)
from simulator.ocpp2x.capabilities import V21
from simulator.ocpp2x.policy import Policy2x
from simulator.wire.rpc import Call, Error, Result, ResultError, Send

__all__ = ["DIALECT_21", "DIALECT_201", "ERROR_CODES"]

#: neutral error kind -> wire code (part 4, 4.3)
ERROR_CODES = {
    "formation": "FormatViolation",
    "occurrence": "OccurrenceConstraintViolation",
    "property": "PropertyConstraintViolation",
    "type": "TypeConstraintViolation",
    "not_implemented": "NotImplemented",
    "not_supported": "NotSupported",
    "internal": "InternalError",
    "protocol": "ProtocolError",
    "rpc_framework": "RpcFrameworkError",
    "message_type": "MessageTypeNotSupported",
    "security": "SecurityError",
    "generic": "GenericError",
}

#: the message id of a CALLERROR to a frame whose own id could not be read (part 4, 4.2.3)
UNREADABLE_ID = "-1"


def _dialect(
    name: str,
    subprotocol: str,
    messages: Any,
    capabilities: frozenset[str],
    frame_types: tuple[type, ...],
    never_answered: frozenset[str],
) -> Dialect:
    """One version of the family. B03.FR.08: what comes while the station is not registered is a SecurityError."""
    dialect = Dialect(
        name,
        subprotocol,
        messages,
        ERROR_CODES,
        unreadable_id=UNREADABLE_ID,
        refused_kind="security",
        never_answered=never_answered,
        frame_types=frame_types,
    )
    dialect.capabilities = capabilities | {
        EVENTS_ALWAYS, TOKEN_USES, UNIQUE_LEVELS, LATE_CHECK, GIVES_WAY, POWER_DIVIDED, SURE_PHASES,
        IN_FORCE_ONLY, COUNTS_OWN, ANY_ROOT_GOES,
    }  # fmt: skip
    dialect.adopt(
        provisioning.table,
        variables.table,
        reporting.table,
        network.table,
        authorization.table,
        transactions.table,
        remote_control.table,
        availability.table,
        metering.table,
        diagnostics.table,
        monitoring.table,
        customer.table,
        data_transfer.table,
        security.table,
        local_list.table,
        reservation.table,
        logs.table,
        firmware.table,
        publishing.table,
        triggers.table,
        certificates.table,
        smart_charging.table,
        tariff.table,
    )
    dialect.policy = Policy2x()
    return dialect


DIALECT_201 = _dialect("2.0.1", "ocpp2.0.1", messages_201, frozenset(), (Call, Result, Error), frozenset({"protocol"}))
DIALECT_21 = _dialect(
    "2.1",
    "ocpp2.1",
    messages_21,
    frozenset({V21, EACH_BY_ITSELF, NO_REDIRECTS, TOKENS_TOLD}),
    (Call, Result, Error, ResultError, Send),
    # part 4, 4.4: a message of an unknown type is ignored; the older version refuses it
    frozenset({"protocol", "message_type"}),
)
# A00.FR.205; errata 2.1 allow any limit from 40 to 64
DIALECT_201.longest = {PASSWORD.key: 40}
DIALECT_21.rows = network_rows.ROWS
#: what only the newer version has and no module here serves is as good as unknown to its stations
DIALECT_21.strange = frozenset(set(messages_21.REQUESTS) - set(messages_201.REQUESTS) - set(DIALECT_21.routes))
