"""A01, A05 Password and security profile: what the CSMS may write to them, and the new connection that follows.

A profile only goes up, and only when what it needs is there (A05.FR.01-05): a password for 1 and 2, a root of the CSMS
for 2 and 3, a certificate of the station for 3. The answer goes out first, then the station connects anew with what is
new (``core/trial.py``) and comes back to the previous when that fails (A05.FR.08). Once confirmed there is no way back.

A password that is not in use (profiles 0 and 3) is stored and nothing else. :func:`deliver` is how a station leaves the
factory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.core import certificate_store as store
from simulator.core import trial
from simulator.core.desk import SETTINGS_AREA
from simulator.core.link_policy import CERTIFICATE_PROFILE, PASSWORD, PASSWORD_PROFILES, SECURITY_PROFILE, TLS_PROFILES
from simulator.core.records import FlashTrouble
from simulator.core.security_event import say
from simulator.core.wiring import at, before_write

if TYPE_CHECKING:
    from simulator.core.settings import Setting
    from simulator.core.station import Station

#: a password has at least so many characters (A00.FR.205); where it is given as hexadecimal digits these are its bytes,
#: of which there is a largest number, too
MIN_PASSWORD, MAX_HEX_BYTES = 16, 20


def usable(st: Station, password: str) -> bool:
    """Does this text meet the requirements of a password (A00.FR.205)? Any character will do (errata 2.1)."""
    if not st.dialect.password_is_hex:
        longest = st.dialect.longest.get(PASSWORD.key, PASSWORD.max_len) or 0
        return MIN_PASSWORD <= len(password) <= longest
    digits = set("0123456789abcdefABCDEF")
    return set(password) <= digits and len(password) % 2 == 0 and (MIN_PASSWORD <= len(password) // 2 <= MAX_HEX_BYTES)


def has_password(st: Station) -> bool:
    """Is there a password? One that is in use came with the product even if the store does not show it."""
    return st.settings[SECURITY_PROFILE] in PASSWORD_PROFILES or usable(st, st.settings[PASSWORD])


@before_write(SECURITY_PROFILE.key)
def may_upgrade(st: Station, wanted: Any) -> bool:
    """A05.FR.01-05."""
    present = st.settings[SECURITY_PROFILE]
    if wanted <= present:
        return False
    if wanted in PASSWORD_PROFILES and not has_password(st):
        return False
    if wanted in TLS_PROFILES and not store.has_root(st):
        return False
    if wanted == CERTIFICATE_PROFILE and store.station_certificate(st) is None:
        return False
    return trial.begin(st, "security_profile", present)


@before_write(PASSWORD.key)
def may_change_password(st: Station, wanted: Any) -> bool:
    """A01.FR.02; the previous one comes back when the CSMS does not know the new one after all."""
    if not usable(st, wanted):
        return False
    if st.settings[SECURITY_PROFILE] not in PASSWORD_PROFILES:
        return True
    return trial.begin(st, "password", st.settings[PASSWORD])


@at("settings")
def changed(st: Station, now: int) -> None:
    """Connect anew with what is being tried; the change stands in the security log, never its value (A01.FR.11-12)."""
    for setting, name in ((SECURITY_PROFILE, "security_profile"), (PASSWORD, "password")):
        if setting.key in st.changed_settings:
            if name in trial.pending(st) and st.link.is_up:
                st.link.renew(st, now)
            say(st, "ReconfigurationOfSecurityParameters", setting.key)


def _restore(st: Station, setting: Setting, previous: Any) -> None:
    if not st.write_setting(setting, previous):
        st.settings.overlay[setting.key] = previous  # until the next boot at least
        st.record(FlashTrouble(SETTINGS_AREA, st.board.flash.why, setting.key))


def _stays(st: Station, previous: Any) -> None:
    """Confirmed: the record of the trial was all there was to drop."""


trial.declare(
    "security_profile",
    trial.Kind(
        restore=lambda st, previous: _restore(st, SECURITY_PROFILE, previous),
        confirm=_stays,
        blames=lambda cause, code: cause != "local_limit",
    ),
)
trial.declare(
    "password",
    trial.Kind(
        restore=lambda st, previous: _restore(st, PASSWORD, previous),
        confirm=_stays,
        blames=lambda cause, code: cause == "http_status" and code in trial.REFUSED,
    ),
)


def deliver(st: Station, profile: int, password: str | None = None) -> None:
    """What a station leaves the factory with, before it is switched on; what its flash holds already goes before.

    ``password`` as the version's setting wants it (hexadecimal digits in the older one).
    """
    for setting, value in ((SECURITY_PROFILE, profile), (PASSWORD, password)):
        if value is not None and st.board.flash.get(SETTINGS_AREA, setting.key) is None:
            setting.validate(value)
            if value != st.settings[setting]:
                st.board.flash.write(SETTINGS_AREA, setting.key, value, 24 + len(setting.key))
                st.settings.overlay[setting.key] = value
