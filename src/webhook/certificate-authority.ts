// The library's dependency container wants reflect-metadata first.
import 'reflect-metadata';
import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  X509Certificate,
  type KeyObject,
  type webcrypto,
} from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { compareTimestamps, epochMillis, timestampFromMillis, type Timestamp } from '../api/time.ts';
import type { CertificateProfile } from '../core/enrolment/certificate-profile.ts';
import type { CertificateRequest } from './certificate-request.ts';

/** A certificate of an authority and its private key, both PEM. */
export interface AuthorityPem {
  /** The authority's own certificate first; what follows is not looked at. */
  readonly certPem: string;
  /** PKCS#8, SEC1 (with or without its parameters) or PKCS#1. */
  readonly keyPem: string;
}

/** An authority that cannot issue; the message says what is wrong and what to do. */
export class AuthorityFault extends Error {
  override readonly name = 'AuthorityFault';
}

interface Signing {
  readonly key: webcrypto.CryptoKey;
  readonly algorithm: webcrypto.Algorithm | webcrypto.EcdsaParams;
}

const SERIAL_BYTES = 16;

/** Issues agents' certificates (agent-protocol.md §2.3). */
export class CertificateAuthority {
  readonly notBefore: Timestamp;
  readonly notAfter: Timestamp;
  readonly #certificate: x509.X509Certificate;
  readonly #signing: Signing;

  private constructor(own: X509Certificate, signing: Signing) {
    this.notBefore = timestampFromMillis(own.validFromDate.getTime());
    this.notAfter = timestampFromMillis(own.validToDate.getTime());
    this.#certificate = new x509.X509Certificate(own.raw);
    this.#signing = signing;
  }

  /**
   * Reads an authority and proves that its key is that of its certificate, so that nothing is burned for one that could
   * not sign. Throws `AuthorityFault`.
   */
  static open({ certPem, keyPem }: AuthorityPem): CertificateAuthority {
    const certificate = parsed('tls.crt is no certificate in PEM', () => new X509Certificate(certPem));
    const key = parsed('tls.key is no private key in PEM', () => createPrivateKey(withoutParameters(keyPem)));
    if (!certificate.ca) {
      throw new AuthorityFault(
        'tls.crt is no CA certificate (basicConstraints): give the one of an authority',
      );
    }
    if (!certificate.publicKey.equals(createPublicKey(key))) {
      throw new AuthorityFault('tls.key is not the key of tls.crt: give the pair');
    }
    return new CertificateAuthority(certificate, signingOf(key));
  }

  /** Whether what it issues now would be accepted. */
  isInForce(now: Timestamp): boolean {
    return compareTimestamps(this.notBefore, now) <= 0 && compareTimestamps(now, this.notAfter) < 0;
  }

  /**
   * Makes the certificate of a request whose checks have passed: its key, the profile's name, the rest of its subject.
   * The leaf alone, PEM. Rejects where the subject cannot be written again.
   */
  async issue(request: CertificateRequest, profile: CertificateProfile): Promise<string> {
    const { commonName, notBefore, notAfter } = profile;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: request.subject.map((part) => ('CN' in part ? { ...part, CN: [commonName] } : part)),
      issuer: this.#certificate.subjectName,
      notBefore: new Date(epochMillis(notBefore)),
      notAfter: new Date(epochMillis(notAfter)),
      publicKey: request.key,
      signingKey: this.#signing.key,
      signingAlgorithm: this.#signing.algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([new x509.GeneralName('dns', commonName)]),
        ...authorityKeyIdentifier(this.#certificate),
      ],
    });
    return `${certificate.toString('pem')}\n`;
  }
}

/**
 * Tells authorities of the same name apart while one takes over from the other. Where the authority does not say how
 * its key is called there is none: any other than its own word would make every certificate invalid.
 */
function authorityKeyIdentifier(certificate: x509.X509Certificate): x509.Extension[] {
  const own = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  return own === null ? [] : [new x509.AuthorityKeyIdentifierExtension(own.keyId)];
}

function parsed<T>(fault: string, read: () => T): T {
  try {
    return read();
  } catch {
    // What OpenSSL says names neither the field nor the remedy, and of a key nothing shall be repeated.
    throw new AuthorityFault(`${fault}: create the Secret with "kubectl create secret tls"`);
  }
}

/** `openssl ecparam -genkey` writes the curve's parameters before the key. */
function withoutParameters(pem: string): string {
  return pem.replace(/-----BEGIN EC PARAMETERS-----[^-]*-----END EC PARAMETERS-----\s*/, '');
}

function signingOf(key: KeyObject): Signing {
  const signing = (
    algorithm: webcrypto.Algorithm | webcrypto.EcdsaParams,
    importing: Parameters<KeyObject['toCryptoKey']>[0],
  ): Signing => ({ key: key.toCryptoKey(importing, false, ['sign']), algorithm });
  const type = key.asymmetricKeyType;
  if (type === 'ed25519') return signing({ name: 'Ed25519' }, { name: 'Ed25519' });
  if (type === 'rsa') {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    return signing(algorithm, algorithm);
  }
  const curve = CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? '');
  if (type === 'ec' && curve !== undefined) {
    const { namedCurve, hash } = curve;
    return signing({ name: 'ECDSA', hash }, { name: 'ECDSA', namedCurve });
  }
  throw new AuthorityFault(
    'tls.key is of an unknown kind: give an EC P-256, P-384, P-521, ed25519 or RSA key',
  );
}

const CURVES: ReadonlyMap<string, { readonly namedCurve: string; readonly hash: string }> = new Map([
  ['prime256v1', { namedCurve: 'P-256', hash: 'SHA-256' }],
  ['secp384r1', { namedCurve: 'P-384', hash: 'SHA-384' }],
  ['secp521r1', { namedCurve: 'P-521', hash: 'SHA-512' }],
]);

function serialNumber(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  // Positive and never shorter (RFC 5280 §4.1.2.2).
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
