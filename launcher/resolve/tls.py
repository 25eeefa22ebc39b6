"""Which certificates are believed, and which one we show."""

from __future__ import annotations

import os
import re
import ssl
import sys
from contextlib import suppress
from pathlib import Path

from launcher.errors import UsageError
from launcher.resolve.access import Access

_DEBIANS_BUNDLE = "ca-certificates.crt"


def tls_context(access: Access | None = None) -> ssl.SSLContext:
    """Return the TLS context that verifies, with the system's certificates where `access` names no others.

    SSL_CERT_FILE, SSL_CERT_DIR and REQUESTS_CA_BUNDLE name others as well. Raises `UsageError` where a file is not
    there or holds no certificate.
    """
    access = access or Access()
    bundle = access.cert or os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    directory = None if access.cert else os.environ.get("SSL_CERT_DIR")
    if not bundle and not directory and sys.platform in ("darwin", "win32"):
        # 20 ms, and only these systems keep their certificates elsewhere than in files.
        import truststore  # noqa: PLC0415

        return _with_client_certificate(truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT), access)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        _load(context, bundle, directory, must_exist=access.cert is not None)
    except (OSError, ssl.SSLError) as error:
        name = access.origins.get("cert", "cert") if access.cert else "SSL_CERT_FILE or REQUESTS_CA_BUNDLE"
        raise UsageError(
            f"The certificates in {bundle or directory} ({name}) cannot be used: {_reason(error)}.",
            hint="Name a file with certificates in PEM form, or a directory of them made by openssl rehash.",
        ) from error
    return _with_client_certificate(context, access)


def unverified_context(access: Access) -> ssl.SSLContext:
    """Return a TLS context for hosts that are trusted without a certificate that can be verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _with_client_certificate(context, access)


def _load(context: ssl.SSLContext, bundle: str | None, directory: str | None, *, must_exist: bool) -> None:
    """Load certificates; a directory of hashed ones is preferred.

    OpenSSL reads from it the one it needs (0.2 ms), where a bundle is read whole (25 ms).
    """
    if not bundle and not directory:
        paths = ssl.get_default_verify_paths()
        bundle, directory = paths.openssl_cafile, paths.openssl_capath
    path = Path(bundle or "")
    if bundle and path.is_dir():
        context.load_verify_locations(capath=bundle)
    # Debian's bundle lies in the directory of hashed links to the same certificates; another file there may not.
    elif bundle and path.name == _DEBIANS_BUNDLE and _is_hashed(str(path.parent)):
        context.load_verify_locations(capath=str(path.parent))
    elif directory and _is_hashed(directory) and not path.is_file() and not must_exist:
        context.load_verify_locations(capath=directory)
    elif bundle and (must_exist or path.exists()):
        context.load_verify_locations(cafile=bundle, capath=directory if _is_hashed(directory) else None)
    else:
        context.load_default_certs()


def _is_hashed(directory: str | None) -> bool:
    with suppress(OSError):
        return any(re.fullmatch(r"[0-9a-f]{8}\.\d", name) for name in os.listdir(directory or ""))
    return False


def _with_client_certificate(context: ssl.SSLContext, access: Access) -> ssl.SSLContext:
    if access.client_cert is None:
        return context
    try:
        # Without a function for it, OpenSSL asks for the password of a key on the terminal.
        context.load_cert_chain(access.client_cert, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"The client certificate {access.client_cert} ({access.origins.get('client_cert', 'client-cert')}) "
            f"cannot be used: {_reason(error)}.",
            hint="Name one PEM file with the certificate and its private key, the key without a password.",
        ) from error
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "it holds none" if "NO_CERTIFICATE" in str(error) else str(error.reason or "it is not in PEM form")
    return error.strerror or str(error)
