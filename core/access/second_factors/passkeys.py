"""Passkeys (WebAuthn): discoverable credentials with user verification, so that one is a name and two factors at once.

What a browser sends may be anything, and the library raises whatever its parsers do: each call that reads it answers every
error with FactorRefusedError, which keeps the error as its cause.

A challenge is a row: it is used up by one statement, for one purpose, by the session that it was made for. The library is
loaded when somebody uses a passkey: with all that checks certificates it is 75 modules and 7 MB of every web process.
"""

import hashlib
import json
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from core.access.models import Passkey, PasskeyChallenge, User
from core.access.second_factors.errors import FactorLimitError, FactorRefusedError
from core.access.second_factors.relying_party import relying_party
from core.access.sessions import MAX_STRANGERS, begun, own_key
from core.database.retention import make_room

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

NAME: Final = "Feishu Portal"
MAX_PASSKEYS: Final = 20
"""Of one operator."""
CHALLENGE_LIFE: Final = timedelta(minutes=5)
MAX_CREDENTIAL: Final = 16_384
"""Characters of what a browser sends; a credential without attestation has some 1,000."""
_MAX_ID: Final = 1023
"""Bytes of a credential's id, by the standard."""


class Purpose(StrEnum):
    """What a challenge is for."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    SECOND_STEP = "second_step"
    CONFIRM = "confirm"


def registration_options(request: HttpRequest, user: User) -> str:
    """JSON for ``navigator.credentials.create()``. Raises FactorLimitError."""
    import webauthn.helpers.structs  # noqa: PLC0415 -- see above

    passkeys = list(Passkey.objects.filter(user=user))
    if len(passkeys) >= MAX_PASSKEYS:
        raise FactorLimitError
    options = webauthn.generate_registration_options(
        rp_id=relying_party(request).id,
        rp_name=NAME,
        user_name=user.get_username(),
        user_display_name=user.get_full_name() or user.get_username(),
        user_id=bytes(passkeys[0].user_handle) if passkeys else webauthn.helpers.generate_user_handle(),
        authenticator_selection=webauthn.helpers.structs.AuthenticatorSelectionCriteria(
            resident_key=webauthn.helpers.structs.ResidentKeyRequirement.REQUIRED,
            user_verification=webauthn.helpers.structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[_descriptor(passkey) for passkey in passkeys],
    )
    _keep_challenge(request, options.challenge, Purpose.REGISTER, user, handle=options.user.id)
    return webauthn.options_to_json(options)


def register(request: HttpRequest, user: User, credential: str, *, name: str) -> Passkey:
    """Add the passkey that the browser has made. Raises FactorRefusedError."""
    import webauthn.helpers.structs  # noqa: PLC0415 -- see above

    party = relying_party(request)
    try:
        parsed = webauthn.helpers.parse_registration_credential_json(_object(credential))
        challenge = webauthn.helpers.parse_client_data_json(parsed.response.client_data_json).challenge
    except Exception as error:
        raise FactorRefusedError from error
    kept = _use_challenge(request, challenge, Purpose.REGISTER, user)
    try:
        verified = webauthn.verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
        )
    except Exception as error:
        raise FactorRefusedError from error
    if len(verified.credential_id) > _MAX_ID:
        raise FactorRefusedError
    try:
        with transaction.atomic():
            return Passkey.objects.create(
                user=user,
                name=name,
                credential_id=webauthn.helpers.bytes_to_base64url(verified.credential_id),
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                user_handle=bytes(kept.user_handle),
                host=party.id,
                synced=verified.credential_backed_up,
            )
    except IntegrityError as error:  # it is registered already
        raise FactorRefusedError from error


def authentication_options(request: HttpRequest, purpose: Purpose, user: User | None = None) -> str:
    """JSON for ``navigator.credentials.get()``: of ``user``'s passkeys, or of any where it is None."""
    import webauthn.helpers.structs  # noqa: PLC0415 -- see above

    passkeys = Passkey.objects.filter(user=user) if user else ()
    options = webauthn.generate_authentication_options(
        rp_id=relying_party(request).id,
        allow_credentials=[_descriptor(passkey) for passkey in passkeys],
        user_verification=webauthn.helpers.structs.UserVerificationRequirement.REQUIRED,
    )
    _keep_challenge(request, options.challenge, purpose, user)
    return webauthn.options_to_json(options)


def authenticate(
    request: HttpRequest, credential: str, purpose: Purpose, user: User | None = None
) -> Passkey:
    """The passkey that signed the challenge; one of ``user``'s where an operator is given. Raises FactorRefusedError."""
    import webauthn.helpers.structs  # noqa: PLC0415 -- see above

    party = relying_party(request)
    try:
        parsed = webauthn.helpers.parse_authentication_credential_json(_object(credential))
        challenge = webauthn.helpers.parse_client_data_json(parsed.response.client_data_json).challenge
    except Exception as error:
        raise FactorRefusedError from error
    _use_challenge(request, challenge, purpose, user)
    passkey = (
        Passkey.objects.filter(credential_id=webauthn.helpers.bytes_to_base64url(parsed.raw_id))
        .select_related("user")
        .first()
    )
    handle = parsed.response.user_handle
    if (
        passkey is None
        or (user is not None and passkey.user_id != user.pk)
        or (handle is not None and handle != bytes(passkey.user_handle))
    ):
        raise FactorRefusedError
    try:
        verified = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:
        raise FactorRefusedError from error
    # A copy of the key that counts by itself shows in the counter: of two at once one is refused.
    own = Passkey.objects.filter(pk=passkey.pk, sign_count=passkey.sign_count)
    if not own.update(
        sign_count=verified.new_sign_count,
        synced=verified.credential_backed_up,
        last_used_at=timezone.now(),
    ):
        raise FactorRefusedError
    return passkey


def _keep_challenge(
    request: HttpRequest, challenge: bytes, purpose: Purpose, user: User | None, *, handle: bytes = b""
) -> None:
    """Keep the challenge for the session, which is made where there is none."""
    session = begun(request)
    if user is None:
        make_room(PasskeyChallenge.objects.filter(user=None).order_by("expires_at"), MAX_STRANGERS)
    PasskeyChallenge.objects.filter(session=session, purpose=purpose).delete()  # one at a time
    PasskeyChallenge.objects.create(
        digest=_digest(challenge),
        session=session,
        purpose=purpose,
        user=user,
        user_handle=handle,
        expires_at=timezone.now() + CHALLENGE_LIFE,
    )


def _use_challenge(
    request: HttpRequest, challenge: bytes, purpose: Purpose, user: User | None
) -> PasskeyChallenge:
    own = PasskeyChallenge.objects.filter(
        digest=_digest(challenge),
        session=own_key(request),
        purpose=purpose,
        user=user,
        expires_at__gt=timezone.now(),
    )
    kept = own.first()
    if kept is None or not own.delete()[0]:
        raise FactorRefusedError
    return kept


def _object(credential: str) -> dict[str, Any]:
    if len(credential) > MAX_CREDENTIAL:
        raise FactorRefusedError
    found = json.loads(credential)
    if not isinstance(found, dict):
        raise FactorRefusedError
    return found


def _descriptor(passkey: Passkey) -> "PublicKeyCredentialDescriptor":
    import webauthn.helpers.structs  # noqa: PLC0415 -- see above

    return webauthn.helpers.structs.PublicKeyCredentialDescriptor(
        id=webauthn.base64url_to_bytes(passkey.credential_id)
    )


def _digest(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
