"""Certificates for the intake's hosts: a CA of its own, and the ways in which certificates go wrong.

Made with trustme, in memory; only the CA's certificate is ever written, where the user asks for it. Private keys stay
in the process.
"""

from __future__ import annotations

import secrets
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from mock_intake.datadog.sites import INTAKE_HOSTS
from mock_intake.producers.paths import trust_store
from mock_intake.system.clock import utc_now

Flaw = Literal["untrusted", "expired", "wrong-host"]
FLAWS: tuple[Flaw, ...] = ("untrusted", "expired", "wrong-host")
LOOPBACK_IDENTITIES = ("localhost", "127.0.0.1", "::1")
WRONG_HOST = "another-host.invalid"


class TlsError(RuntimeError):
    """Certificates that cannot be made or used; the message says why."""


class Certificates:
    """What the TLS intake shows to its clients, and what they need to trust it.

    By default a CA is made, and a certificate for localhost, every intake host and ``names``. ``flaw`` makes that
    certificate wrong: signed by another CA than the one given out, expired, or for another host. ``own`` takes a
    certificate chain and key of the user's own instead (PEM files). Raises ``TlsError``.
    """

    def __init__(
        self,
        *,
        names: tuple[str, ...] = (),
        flaw: Flaw | None = None,
        own: tuple[Path, Path] | None = None,
    ) -> None:
        self.ca_pem: bytes | None = None
        # Where the CA was last written to, for those who are told how to trust it.
        self.ca_file: Path | None = None
        if own is not None:
            self.context = _own_context(*own)
            return
        # Imported by those alone who want TLS: it takes as long as all else that an intake needs.
        import trustme

        # Of two CAs with the same name, a client that trusts both may look at the wrong one only.
        unit = f"test CA {secrets.token_hex(4)}, trust it in tests only"
        authority = trustme.CA(organization_name="mock-intake", organization_unit_name=unit)
        signer = trustme.CA(organization_name="somebody else") if flaw == "untrusted" else authority
        identities = [*LOOPBACK_IDENTITIES, *sorted(INTAKE_HOSTS), *names]
        if flaw == "wrong-host":
            identities = [WRONG_HOST]
        # The real time, in the class that stands for datetimes just now: where a test has frozen time, that is another.
        now = datetime.fromtimestamp(utc_now().timestamp(), UTC)
        try:
            leaf = signer.issue_cert(
                *identities,
                # Clocks differ, so the certificate begins before it was made.
                not_before=now - timedelta(days=400 if flaw == "expired" else 1),
                not_after=now - timedelta(days=1) if flaw == "expired" else now + timedelta(days=365),
            )
        except ValueError as error:  # of the names, which alone are not ours
            raise TlsError(f"No certificate can be made for {', '.join(names)}: {error}") from error
        self.context = _server_context()
        leaf.configure_cert(self.context)
        self.ca_pem = authority.cert_pem.bytes()

    def write_ca(self, file: Path) -> Path:
        """Writes the CA's certificate to ``file`` (PEM), and gives that with its whole path.

        For ``REQUESTS_CA_BUNDLE``, ``SSL_CERT_FILE``, ``CURL_CA_BUNDLE``. Raises ``TlsError`` where the certificates
        are the user's own, which have no CA of ours, or the file cannot be written.
        """
        if self.ca_pem is None:
            raise TlsError("There is no CA of the intake's own: the certificate was given with --cert.")
        try:
            file.write_bytes(self.ca_pem)
        except OSError as error:
            raise TlsError(f"{file}: {error.strerror or error}") from error
        self.ca_file = file.absolute()
        return file


def write_trusted(certificates: Certificates, directory: Path) -> Path:
    """Writes into a directory, which is made, what clients of any language trust; gives the CA's certificate.

    Apart from other files: clients are told to look there, and for nothing else. Raises ``TlsError``, ``OSError``.
    """
    # Imported by those alone who want TLS.
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
    from cryptography.x509 import load_pem_x509_certificate

    directory.mkdir(exist_ok=True)
    ca_file = certificates.write_ca(directory / "ca.pem")
    assert certificates.ca_pem is not None
    authority = PKCS12Certificate(load_pem_x509_certificate(certificates.ca_pem), b"mock-intake")
    # What is public needs no password, and a JVM reads it without one.
    trust_store(ca_file).write_bytes(serialize_java_truststore([authority], NoEncryption()))
    return ca_file


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _no_password() -> str:
    # Without this the terminal would be asked, and a server in CI would wait for ever.
    raise TlsError("The private key is encrypted; give one without a passphrase (openssl pkey -in KEY -out PLAIN).")


def _own_context(chain: Path, key: Path) -> ssl.SSLContext:
    context = _server_context()
    try:
        context.load_cert_chain(chain, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise TlsError(f"The certificate {chain} with the key {key} cannot be used: {error}") from error
    return context
