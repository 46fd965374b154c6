import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { epochMillis, timestampFromMillis, type Timestamp } from '../api/time.ts';

/** Who is at the other end of a connection, by the certificate it proved to hold. */
export interface Peer {
  /** The certificate's one common name. */
  readonly commonName: string;
  readonly notBefore: Timestamp;
  readonly notAfter: Timestamp;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
}

/** What a finished handshake says: no certificate, one to be refused, or somebody. */
export type PeerVerdict =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'peer'; readonly peer: Peer };

/**
 * Judges the client side of a handshake. A certificate is optional, but one that is presented has to be valid, also
 * where the session was resumed and the library has not looked at the dates again.
 */
export function judgePeer(socket: TLSSocket, now: Timestamp): PeerVerdict {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { kind: 'anonymous' };
  if (!socket.authorized) return { kind: 'refused', why: String(socket.authorizationError) };
  const peer = readPeer(certificate);
  if (peer === undefined)
    return { kind: 'refused', why: 'the subject does not hold exactly one common name' };
  return isExpired(peer, now) ? { kind: 'refused', why: 'CERT_HAS_EXPIRED' } : { kind: 'peer', peer };
}

/** Whether a certificate has ended; connections can outlive it. */
export function isExpired(peer: Peer, now: Timestamp): boolean {
  return epochMillis(now) > epochMillis(peer.notAfter);
}

/**
 * The machine that a common name stands for: canonical names (`agent-<machineId>.<suffix>`) are stripped, any other is
 * taken verbatim (agent-protocol.md §1.1).
 */
export function machineIdOf(commonName: string, suffix: string | undefined): string {
  if (suffix === undefined) return commonName;
  const end = `.${suffix}`;
  const canonical = commonName.startsWith(PREFIX) && commonName.endsWith(end);
  return canonical && commonName.length > PREFIX.length + end.length
    ? commonName.slice(PREFIX.length, -end.length)
    : commonName;
}

const PREFIX = 'agent-';

function readPeer(certificate: X509Certificate): Peer | undefined {
  const commonName: unknown = certificate.toLegacyObject().subject.CN;
  // Several common names come as a list: which of them the issuer meant cannot be told.
  if (typeof commonName !== 'string' || commonName === '') return undefined;
  return {
    commonName,
    notBefore: timestampFromMillis(certificate.validFromDate.getTime()),
    notAfter: timestampFromMillis(certificate.validToDate.getTime()),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}
