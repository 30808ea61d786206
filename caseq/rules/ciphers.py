"""The ciphers that seal personal data at rest."""

from enum import StrEnum


class Cipher(StrEnum):
    """Authenticated encryption: AES with 256 bit (SP 800-38D) or SM4 with 128 bit (GB/T 32907), both in GCM."""

    AES_256_GCM = "aes-256-gcm"
    SM4_GCM = "sm4-gcm"
