// The library's dependency container wants reflect-metadata first.
import 'reflect-metadata';
import { createPublicKey, verify } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { RequestFacts } from '../core/enrolment/judge-request.ts';

/** A readable certificate request; what is issued for it takes its key and the rest of its subject. */
export interface CertificateRequest extends RequestFacts {
  readonly key: x509.PublicKey;
  /** Its subject as it was written, the common name included. */
  readonly subject: x509.JsonName;
}

/** An ed25519 request has some 250 bytes; a generous subject and an RSA key fit, too. */
const MAX_PEM_CHARACTERS = 16 * 1024;
/** One way to match only: a request is a stranger's text, and backtracking would be his to cause. */
const PEM =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s([A-Za-z0-9+/=\s]+)-----END (NEW )?CERTIFICATE REQUEST-----\s*$/;
/** ASN.1: nobody needs more levels or parts than these for a request. */
const PARSING = { berOptions: { maxDepth: 32, maxNodes: 2048 } };
const SEQUENCE = 0x30;
const COMMON_NAME_OID = '2.5.4.3';

/**
 * Reads a PKCS#10 request in PEM. Undefined where it is not one, has not exactly one common name, or where an ed25519
 * key did not sign it (of others the signature is not looked at: they are refused anyway). Never throws.
 */
export function readCertificateRequest(pem: string): CertificateRequest | undefined {
  const der = derOf(pem);
  if (der === undefined) return undefined;
  try {
    return read(der);
  } catch {
    // The library throws whatever comes to hand where the structure is another one.
    return undefined;
  }
}

function derOf(pem: string): Buffer | undefined {
  if (pem.length > MAX_PEM_CHARACTERS) return undefined;
  const base64 = PEM.exec(pem)?.[2]?.replaceAll(/\s/g, '');
  if (base64 === undefined) return undefined;
  const der = Buffer.from(base64, 'base64');
  return der.toString('base64') === base64 ? der : undefined;
}

function read(der: Buffer): CertificateRequest | undefined {
  const signed = signedPartOf(der);
  const request = new x509.Pkcs10CertificateRequest(der, PARSING);
  const subject = request.subjectName.toJSON();
  const commonNames = request.subjectName.getField(COMMON_NAME_OID);
  const [commonName] = commonNames;
  if (signed === undefined || commonName === undefined || commonName === '' || commonNames.length > 1) {
    return undefined;
  }
  const spki = Buffer.from(request.publicKey.rawData);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const ed25519 = publicKey.asymmetricKeyType === 'ed25519';
  if (ed25519 && !verify(null, signed, publicKey, Buffer.from(request.signature))) return undefined;
  return {
    commonName,
    ed25519,
    publicKey: ed25519 ? spki.subarray(-32) : spki,
    key: request.publicKey,
    subject,
  };
}

/** The bytes that a request's signature covers: the first part of the outer sequence, which must fill the document. */
function signedPartOf(der: Buffer): Buffer | undefined {
  const outer = elementAt(der, 0);
  if (outer === undefined || der[0] !== SEQUENCE || outer.end !== der.length) return undefined;
  const inner = elementAt(der, outer.start);
  return inner === undefined ? undefined : der.subarray(outer.start, inner.end);
}

/** Where the content of a DER element starts and ends; undefined where its length is no definite one in these bytes. */
function elementAt(der: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  const first = der[at + 1];
  if (first === undefined) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  if (first === 0x80 || lengthBytes > 3 || start > der.length) return undefined;
  const end = start + (lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes));
  return end > der.length ? undefined : { start, end };
}
