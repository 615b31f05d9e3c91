"""What a site proves itself with to the coordinator.

* A box on a roster: the credential follows from its identity key, so there is nothing to lose.
* Any other: a secret that it makes and writes down before it shows it to the coordinator: a lost answer cannot lock the
  site out.
"""

import secrets
from pathlib import Path

from fl_client.errors import SettingsError, StateError
from fl_protocol.errors import ProtocolError
from fl_protocol.membership import IDENTITY_FILE, MEMBERSHIP_FILE, Membership, read_identity
from fl_protocol.messages import parse_message
from fl_protocol.registration import SiteCredential, member_credential
from fl_runtime.atomic_file import write_atomically

_TOKEN_BYTES = 48


def site_credential(site: str, token_file: Path, membership_dir: Path | None) -> SiteCredential:
    """The site's credential.

    Args:
        site: Its name.
        token_file: Where the token of a site without membership is kept; made now if there is none yet, and only its
            owner may read it.
        membership_dir: Identity key and membership of a box on a roster; None for a site without.

    Raises:
        SettingsError: The membership is that of another site.
        StateError: The membership cannot be read.
        OSError: The token cannot be read or written.
    """
    if membership_dir is not None:
        return _credential_of_member(site, membership_dir)
    if not token_file.exists():
        write_atomically(token_file, secrets.token_urlsafe(_TOKEN_BYTES).encode(), mode=0o600)
    return SiteCredential(token_file.read_text().strip())


def _credential_of_member(site: str, membership_dir: Path) -> SiteCredential:
    try:
        membership = parse_message(Membership, (membership_dir / MEMBERSHIP_FILE).read_bytes())
        identity = read_identity((membership_dir / IDENTITY_FILE).read_bytes())
    except OSError as error:
        raise StateError(f"{error.filename}: cannot be read: {error.strerror}") from error
    except ProtocolError as error:
        raise StateError(f"{membership_dir}: {error}") from error
    if membership.site != site:
        raise SettingsError(f"membership: expected that of {site}, got that of {membership.site}")
    return member_credential(identity, membership.federation, site)
