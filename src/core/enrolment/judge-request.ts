import { publicKeyFingerprint } from '../artifacts/bootstrap-token.ts';
import { readSshPublicKey } from '../artifacts/ssh-public-key.ts';
import type { BootstrapClaims } from '../../api/wire/enroll.ts';
import { agentCommonName } from './certificate-profile.ts';
import { refused, type Passed, type Refused } from './refusal.ts';

/** What a certificate request (PKCS#10) says, once its own signature was checked. */
export interface RequestFacts {
  readonly commonName: string;
  /** The bits of its public key: for ed25519 the raw 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly ed25519: boolean;
}

/** What the content in force declares about a host, as far as certificates go. */
export interface DeclaredKey {
  /** An OpenSSH line; null where none is declared. */
  readonly pubkey: string | null;
}

/** The content in force as certificates need it; undefined where nothing is in force. */
export type DeclaredHosts = ((hostname: string) => DeclaredKey | undefined) | undefined;

/**
 * The checks on a first request, in the order of agent-protocol.md §1.6: unreadable 400, another name or key than the
 * token's 401, nothing in force 503, host not declared 401, no ed25519 key 400, another key than declared 401.
 */
export function judgeFirstRequest(
  request: RequestFacts | undefined,
  claims: BootstrapClaims,
  hosts: DeclaredHosts,
): Passed | Refused {
  if (request === undefined) return unreadable();
  if (request.commonName !== claims.hostname) {
    return refused('NameMismatch', 'the request’s common name is not the host that the token is for');
  }
  if (publicKeyFingerprint(request.publicKey) !== claims.expectedPubkeyFingerprint) {
    return refused('FingerprintMismatch', 'the request’s key is not the one that the token is for');
  }
  return judgeKey(request, claims.hostname, hosts);
}

/**
 * The checks on a renewal (agent-protocol.md §1.7). The certificate is for the name that was presented, whatever the
 * request says; a request for another name is refused, so that nobody takes it for granted (architecture.md D12).
 */
export function judgeRenewal(
  request: RequestFacts | undefined,
  presented: { readonly hostname: string; readonly commonName: string; readonly suffix: string },
  hosts: DeclaredHosts,
): Passed | Refused {
  if (request === undefined) return unreadable();
  if (!request.ed25519) return notEd25519();
  const { hostname, commonName, suffix } = presented;
  if (![hostname, commonName, agentCommonName(hostname, suffix)].includes(request.commonName)) {
    return refused('NameMismatch', 'the request’s common name is not that of the certificate it came with');
  }
  return judgeKey(request, hostname, hosts);
}

function judgeKey(request: RequestFacts, hostname: string, hosts: DeclaredHosts): Passed | Refused {
  if (hosts === undefined) return refused('NoRelease', 'no release is in force');
  const declared = hosts(hostname);
  if (declared === undefined)
    return refused('UnknownHost', 'the release in force does not declare this host');
  if (!request.ed25519) return notEd25519();
  const key = declared.pubkey === null ? undefined : readSshPublicKey(declared.pubkey);
  if (key?.algorithm !== 'ssh-ed25519') {
    return refused(
      'KeyMismatch',
      'the release in force declares no ssh-ed25519 pubkey for this host: declare it',
    );
  }
  const same = Buffer.compare(key.raw, request.publicKey) === 0;
  return same ? { ok: true } : refused('KeyMismatch', 'the request’s key is not the declared SSH host key');
}

function unreadable(): Refused {
  return refused(
    'BadRequest',
    'csrPem is no PKCS#10 request in PEM with one common name that its own key has signed',
  );
}

function notEd25519(): Refused {
  return refused('KeyNotEd25519', 'the request’s key is not ed25519: use the SSH host key');
}
