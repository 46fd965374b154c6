// The one file of src/dev that knows how X.509 is made. The library's dependency container wants reflect-metadata first.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type webcrypto,
} from 'node:crypto';

/** A certificate and its private key, both PEM (the key as PKCS#8). */
export interface PemPair {
  certPem: string;
  keyPem: string;
}

/** Key types the agents' side of the protocol uses; see agent-protocol.md §2.3. */
export type KeyType = 'p256' | 'ed25519';

/** The span in which a certificate is valid. */
export interface Validity {
  notBefore: Date;
  notAfter: Date;
}

/** What a leaf certificate shall say. */
export interface LeafRequest {
  commonName: string;
  /** `O` values of the subject; Kubernetes reads them as groups. */
  organizations?: string[];
  /** Subject alternative names; what looks like an IP address becomes an `iPAddress` entry. */
  hosts?: string[];
  usage: 'server' | 'client';
  keyType?: KeyType;
  validity?: Validity;
}

const DAY_MS = 86_400_000;
const CLOCK_SKEW_MS = 5 * 60_000;

/** A validity that starts five minutes ago (clocks differ) and ends after `days` days. */
export function validFor(days: number): Validity {
  const now = Date.now();
  return { notBefore: new Date(now - CLOCK_SKEW_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Makes a self-signed certificate authority with a P-256 key, valid for ten years unless told otherwise. */
export async function createCa(commonName: string, validity: Validity = validFor(3650)): Promise<PemPair> {
  const keys = generateKeys('p256');
  const name = [{ CN: [commonName] }];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: name,
    ...validity,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: signingAlgorithm('p256'),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: pem(certificate), keyPem: keys.keyPem };
}

/**
 * Issues a leaf certificate under `ca` for a fresh key pair, valid for a year unless told otherwise.
 *
 * Throws where the CA's PEM cannot be read or its key is neither P-256 nor ed25519.
 */
export async function issueCertificate(ca: PemPair, request: LeafRequest): Promise<PemPair> {
  const keys = generateKeys(request.keyType ?? 'p256');
  const issuer = new x509.X509Certificate(ca.certPem);
  const caKey = createPrivateKey(ca.keyPem);
  const caKeyType = keyTypeOf(caKey);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [
      { CN: [request.commonName] },
      ...(request.organizations ?? []).map((organization) => ({ O: [organization] })),
    ],
    issuer: issuer.subjectName,
    ...(request.validity ?? validFor(365)),
    publicKey: keys.publicKey,
    signingKey: toCryptoKey(caKey, caKeyType),
    signingAlgorithm: signingAlgorithm(caKeyType),
    extensions: await leafExtensions(issuer, request),
  });
  return { certPem: pem(certificate), keyPem: keys.keyPem };
}

async function leafExtensions(issuer: x509.X509Certificate, request: LeafRequest): Promise<x509.Extension[]> {
  const usage =
    request.usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
  const names = (request.hosts ?? []).map((host) => new x509.GeneralName(isIp(host) ? 'ip' : 'dns', host));
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names));
  return extensions;
}

interface GeneratedKeys {
  publicKey: webcrypto.CryptoKey;
  privateKey: webcrypto.CryptoKey;
  keyPem: string;
}

function generateKeys(keyType: KeyType): GeneratedKeys {
  const { privateKey } =
    keyType === 'p256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  return {
    publicKey: toCryptoKey(createPublicKey(privateKey), keyType),
    privateKey: toCryptoKey(privateKey, keyType),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function toCryptoKey(key: KeyObject, keyType: KeyType): webcrypto.CryptoKey {
  const usages: webcrypto.KeyUsage[] = [key.type === 'private' ? 'sign' : 'verify'];
  return key.toCryptoKey(
    keyType === 'p256' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'Ed25519' },
    true,
    usages,
  );
}

function signingAlgorithm(keyType: KeyType): webcrypto.Algorithm | webcrypto.EcdsaParams {
  return keyType === 'p256' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: 'Ed25519' };
}

function keyTypeOf(key: KeyObject): KeyType {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'p256';
  throw new Error(
    `the CA key is ${key.asymmetricKeyType ?? 'of an unknown type'}: give a P-256 or ed25519 key`,
  );
}

function serialNumber(): string {
  // A leading zero bit keeps the DER integer positive and within the 20 octets of RFC 5280.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
}

function isIp(host: string): boolean {
  return /^\d+(\.\d+){3}$/.test(host) || host.includes(':');
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
